/* Signature-Input and Signature: the structured fields, read strictly. */
#include "record/http_sig.h"

#include "base/codec.h"

/* A cursor over one field; the first failure stays. */
struct field {
    const char *name;
    struct span all;
    size_t pos;
    const char *expected; /* NULL: all is well */
};

static uint8_t peek(const struct field *f)
{
    return f->pos < f->all.len ? f->all.data[f->pos] : 0;
}

static void field_fail(struct field *f, const char *expected)
{
    if (!f->expected)
        f->expected = expected;
}

static bool take(struct field *f, uint8_t c)
{
    if (f->expected || f->pos >= f->all.len || f->all.data[f->pos] != c)
        return false;
    f->pos++;
    return true;
}

static void need(struct field *f, uint8_t c, const char *expected)
{
    if (!take(f, c))
        field_fail(f, expected);
}

static int field_error(const struct field *f, struct err *err)
{
    return err_set(err, ERR_SYNTAX, "%s: byte %zu: expected %s", f->name, f->pos, f->expected);
}

static bool is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* key = ( lcalpha / "*" ) *( lcalpha / DIGIT / "_" / "-" / "." / "*" ) */
static struct span take_key(struct field *f)
{
    size_t from = f->pos;
    if (f->expected || !(is_lower(peek(f)) || peek(f) == '*'))
        field_fail(f, "a key in lower case");
    while (!f->expected && (is_lower(peek(f)) || is_digit(peek(f)) || (peek(f) && strchr("_-.*", peek(f)))))
        f->pos++;
    return span_sub(f->all, from, f->pos - from);
}

/* What stands between quotes; nothing of ours needs an escape, so none is taken. */
static struct span take_string(struct field *f)
{
    need(f, '"', "a string in quotes");
    size_t from = f->pos;
    while (!f->expected && peek(f) >= 0x20 && peek(f) <= 0x7e && peek(f) != '"' && peek(f) != '\\')
        f->pos++;
    struct span text = span_sub(f->all, from, f->pos - from);
    need(f, '"', "a string of printable characters without escapes");
    return text;
}

/* An integer of at most 15 digits (RFC 8941 section 3.3.1). */
static int64_t take_integer(struct field *f)
{
    uint64_t value = 0;
    bool negative = take(f, '-');
    size_t from = f->pos;
    while (!f->expected && is_digit(peek(f)))
        f->pos++;
    struct span digits = span_sub(f->all, from, f->pos - from);
    if (digits.len < 1 || digits.len > 15 || !span_u64(digits, UINT64_C(999999999999999), &value) ||
        (negative && value == 0))
        field_fail(f, "an integer of 1 to 15 digits");
    return negative ? -(int64_t)value : (int64_t)value;
}

static struct span take_bytes(struct field *f)
{
    need(f, ':', "bytes between colons");
    struct span rest = span_sub(f->all, f->pos, f->all.len);
    struct span text = span_sub(rest, 0, span_find(rest, ':'));
    size_t len;
    if (!f->expected && !base64_check(text, &len))
        field_fail(f, "base64");
    if (!f->expected)
        f->pos += text.len;
    need(f, ':', "bytes between colons");
    return text;
}

/* A value of a parameter that we do not know: any bare item but a decimal's fraction and what needs an escape. */
static void pass_item(struct field *f)
{
    uint8_t c = peek(f);
    if (c == '"') {
        take_string(f);
    } else if (c == ':') {
        take_bytes(f);
    } else if (c == '-' || is_digit(c)) {
        take_integer(f);
    } else if (c == '?') {
        f->pos++;
        if (!take(f, '0'))
            need(f, '1', "?0 or ?1");
    } else {
        size_t from = f->pos;
        while (!f->expected && peek(f) > 0x20 && peek(f) < 0x7f && !strchr(";,()\"\\", peek(f)))
            f->pos++;
        if (f->pos == from)
            field_fail(f, "a value");
    }
}

/* ---- Signature-Input ---- */

static void take_components(struct field *f, struct http_sig *sig)
{
    need(f, '(', "a list in parentheses");
    while (!f->expected && peek(f) != ')') {
        if (sig->component_count == HTTP_SIG_COMPONENTS_MAX)
            return field_fail(f, "at most 16 components");
        if (sig->component_count > 0)
            need(f, ' ', "one space between components");
        struct span name = take_string(f);
        for (size_t i = 0; i < sig->component_count; i++)
            if (span_eq(sig->component[i], name))
                field_fail(f, "each component once");
        if (!f->expected && peek(f) == ';')
            field_fail(f, "a component without parameters");
        sig->component[sig->component_count++] = name;
    }
    need(f, ')', "a list in parentheses");
}

static void take_param(struct field *f, struct http_sig *sig)
{
    struct span *const texts[] = {&sig->nonce, &sig->alg, &sig->keyid, &sig->tag};
    static const char *const names[] = {"nonce", "alg", "keyid", "tag"};
    struct span key = take_key(f);
    bool is_created = span_is(key, "created");
    if (is_created || span_is(key, "expires")) {
        bool *has = is_created ? &sig->has_created : &sig->has_expires;
        need(f, '=', "an integer");
        int64_t value = take_integer(f);
        if (*has)
            field_fail(f, "each parameter once");
        *has = true;
        *(is_created ? &sig->created : &sig->expires) = value;
        return;
    }
    for (size_t i = 0; i < 4; i++)
        if (span_is(key, names[i])) {
            need(f, '=', "a string");
            struct span value = take_string(f);
            if (texts[i]->data)
                field_fail(f, "each parameter once");
            *texts[i] = value;
            return;
        }
    if (take(f, '='))
        pass_item(f);
}

static void take_signature_input(struct field *f, struct http_sig *sig)
{
    size_t count = 0;
    *sig = (struct http_sig){.label = take_key(f)};
    need(f, '=', "LABEL=(...)");
    size_t from = f->pos;
    take_components(f, sig);
    while (!f->expected && take(f, ';')) {
        if (++count > HTTP_SIG_PARAMS_MAX)
            field_fail(f, "at most 16 parameters");
        take_param(f, sig);
    }
    sig->params = span_sub(f->all, from, f->pos - from);
}

/* Between members of a dictionary: a comma with white space around it. True: another one follows. */
static bool take_comma(struct field *f)
{
    if (f->expected || f->pos >= f->all.len)
        return false;
    while (peek(f) == ' ' || peek(f) == '\t')
        f->pos++;
    need(f, ',', "a comma, or the end");
    while (!f->expected && (peek(f) == ' ' || peek(f) == '\t'))
        f->pos++;
    return !f->expected;
}

static int find_input(struct span input, struct span tag, struct http_sig *ret, struct err *err)
{
    struct field f = {.name = "Signature-Input", .all = span_trim(input)};
    struct span labels[HTTP_SIG_LABELS_MAX];
    size_t count = 0;
    bool found = false;
    do {
        struct http_sig sig;
        take_signature_input(&f, &sig);
        if (count == HTTP_SIG_LABELS_MAX)
            field_fail(&f, "at most 8 signatures");
        for (size_t i = 0; i < count && !f.expected; i++)
            if (span_eq(labels[i], sig.label))
                field_fail(&f, "each label once");
        if (f.expected)
            return field_error(&f, err);
        labels[count++] = sig.label;
        if (!found && (!tag.data || (sig.tag.data && span_eq(sig.tag, tag)))) {
            *ret = sig;
            found = true;
        }
    } while (take_comma(&f));
    return f.expected ? field_error(&f, err) : found;
}

/* ---- Signature ---- */

static int find_signature(struct span signature, struct http_sig *sig, struct err *err)
{
    struct field f = {.name = "Signature", .all = span_trim(signature)};
    struct span found = {0};
    size_t count = 0;
    do {
        struct span label = take_key(&f);
        need(&f, '=', "LABEL=:BASE64:");
        struct span bytes = take_bytes(&f);
        if (++count > HTTP_SIG_LABELS_MAX)
            field_fail(&f, "at most 8 signatures");
        if (!f.expected && span_eq(label, sig->label)) {
            if (found.data)
                field_fail(&f, "each label once");
            found = bytes;
        }
    } while (take_comma(&f));
    if (f.expected)
        return field_error(&f, err);
    if (!found.data)
        return err_set(err, ERR_SYNTAX, "Signature: none with the label that Signature-Input names");
    if (!base64_decode(found, sig->signature, sizeof(sig->signature)))
        return err_set(err, ERR_SYNTAX, "Signature: %zu characters of base64, 64 bytes expected", found.len);
    return 1;
}

int http_sig_find(struct span input, struct span signature, struct span tag, struct http_sig *ret, struct err *err)
{
    if (input.len > HTTP_SIG_FIELD_MAX || signature.len > HTTP_SIG_FIELD_MAX)
        return err_set(err, ERR_LIMIT, "Signature-Input and Signature: %zu and %zu bytes, %d allowed", input.len,
                       signature.len, HTTP_SIG_FIELD_MAX);
    int rc = find_input(input, tag, ret, err);
    return rc <= 0 ? rc : find_signature(signature, ret, err);
}
