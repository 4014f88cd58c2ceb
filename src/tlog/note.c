#include "tlog/note.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/reader.h"
#include "base/sha256.h"
#include "base/utf8.h"

#define EM_DASH_SPACE "\xE2\x80\x94 "
#define COSIGNATURE_LEN (8 + ED25519_SIG) /* bytes behind the key id: time, signature */
#define SHOWN_NAME 80                     /* characters of a name from outside in an error */

/* ---- names and keys ---- */

/* Unicode's White_Space property. */
static bool is_space(uint32_t code)
{
    return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x3000;
}

/* What a note can carry as a key's name: not empty, UTF-8, neither spaces nor '+' nor control characters. */
static bool is_name(struct span name)
{
    if (name.len == 0 || !utf8_valid(name))
        return false;
    for (size_t pos = 0; pos < name.len;) {
        uint32_t code = utf8_next(name, &pos);
        if (code < 0x20 || code == '+' || is_space(code))
            return false;
    }
    return true;
}

static uint32_t key_id(struct span name, uint8_t type, const uint8_t public_key[ED25519_PUBLIC])
{
    struct sha256 ctx;
    uint8_t hash[SHA256_SIZE];
    sha256_init(&ctx);
    sha256_add(&ctx, name);
    sha256_add(&ctx, SPAN_LIT("\n"));
    sha256_add(&ctx, span_of(&type, 1));
    sha256_add(&ctx, span_of(public_key, ED25519_PUBLIC));
    sha256_end(&ctx, hash);
    return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

int note_key_make(struct note_key *out, struct span name, uint8_t type, const uint8_t public_key[ED25519_PUBLIC],
                  struct err *err)
{
    char shown[SHOWN_NAME];
    if (name.len > ORIGIN_MAX)
        return err_set(err, ERR_SYNTAX, "key name: %zu bytes, allowed %d", name.len, ORIGIN_MAX);
    if (!is_name(name))
        return err_set(err, ERR_SYNTAX,
                       "key name \"%s\": must be UTF-8 without spaces, control characters and '+', and not empty",
                       text_escape_into(shown, sizeof(shown), name));
    if (type != NOTE_ED25519 && type != NOTE_COSIGNATURE)
        return err_set(err, ERR_SYNTAX, "key of \"%s\": type 0x%02x, known are 0x01 and 0x04",
                       text_escape_into(shown, sizeof(shown), name), type);
    *out = (struct note_key){.type = type};
    memcpy(out->name, name.data, name.len);
    memcpy(out->public_key, public_key, ED25519_PUBLIC);
    out->id = key_id(name, type, public_key);
    return 0;
}

int note_signer_make(struct note_signer *out, struct span name, uint8_t type, const uint8_t seed[ED25519_SEED],
                     struct err *err)
{
    uint8_t public_key[ED25519_PUBLIC];
    ed25519_keypair(seed, public_key);
    if (note_key_make(&out->key, name, type, public_key, err) < 0)
        return err->code;
    memcpy(out->seed, seed, ED25519_SEED);
    return 0;
}

void note_signer_wipe(struct note_signer *signer)
{
    sodium_memzero(signer, sizeof(*signer));
}

void note_vkey_format(const struct note_key *key, char out[VKEY_MAX + 1])
{
    uint8_t typed[1 + ED25519_PUBLIC];
    char base64[BASE64_LEN(sizeof(typed)) + 1];
    typed[0] = key->type;
    memcpy(typed + 1, key->public_key, ED25519_PUBLIC);
    base64_encode(typed, sizeof(typed), base64);
    snprintf(out, VKEY_MAX + 1, "%s+%08" PRIx32 "+%s", key->name, key->id, base64);
}

int note_vkey_parse(struct span vkey, struct note_key *out, struct err *err)
{
    size_t name_len = span_find(vkey, '+');
    struct span rest = span_sub(vkey, name_len + 1, SIZE_MAX);
    size_t id_len = span_find(rest, '+');
    uint8_t id[4], typed[1 + ED25519_PUBLIC];
    if (vkey.len > VKEY_MAX || id_len == rest.len || !hex_decode(span_sub(rest, 0, id_len), id, sizeof(id)))
        return err_set(err, ERR_SYNTAX, "verifier key: expected NAME+8 hexadecimal digits+base64");
    if (!base64_decode(span_sub(rest, id_len + 1, SIZE_MAX), typed, sizeof(typed)))
        return err_set(err, ERR_SYNTAX, "verifier key: expected the base64 of a type and a key of %d bytes",
                       ED25519_PUBLIC);
    struct note_key key;
    if (note_key_make(&key, span_sub(vkey, 0, name_len), typed[0], typed + 1, err) < 0)
        return err_in(err, "verifier key");
    uint32_t given = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    if (given != key.id)
        return err_set(err, ERR_SYNTAX,
                       "verifier key: id %08" PRIx32 " does not fit name and key, which have %08" PRIx32, given,
                       key.id);
    *out = key;
    return 0;
}

/* ---- reading ---- */

/* The first byte that no note may hold, or text.len: below 0x20 and no newline, or malformed. */
static size_t find_bad_byte(struct span text)
{
    bool valid = utf8_valid(text);
    for (size_t pos = 0, at = 0; pos < text.len; at = pos) {
        bool control = text.data[at] < 0x20 && text.data[at] != '\n';
        if (control || (utf8_next(text, &pos) == 0xFFFD && pos == at + 1 && !valid))
            return at;
    }
    return text.len;
}

/* Key id and signature. A signature longer than sig->bytes must be base64 too, but is not kept. */
static bool parse_sig_bytes(struct span base64, struct note_sig *sig)
{
    uint8_t head[4 + sizeof(sig->bytes)];
    _Static_assert(sizeof(head) % 3 == 0, "the head is whole groups of base64");
    size_t total, len;
    if (!base64_check(base64, &total) || total <= 4 ||
        !base64_decode_any(span_sub(base64, 0, BASE64_LEN(sizeof(head))), sizeof(head), head, &len))
        return false;
    struct reader r;
    reader_init(&r, span_of(head, len));
    sig->id = reader_u32(&r);
    sig->len = total <= sizeof(head) ? total - 4 : 0;
    memcpy(sig->bytes, head + 4, sig->len);
    return true;
}

/* "— NAME BASE64" without its newline. */
static bool parse_sig_line(struct span line, struct note_sig *sig)
{
    if (!span_starts(line, SPAN_LIT(EM_DASH_SPACE)))
        return false;
    struct span rest = span_sub(line, sizeof(EM_DASH_SPACE) - 1, SIZE_MAX);
    sig->name = span_sub(rest, 0, span_find(rest, ' '));
    return is_name(sig->name) && parse_sig_bytes(span_sub(rest, sig->name.len + 1, SIZE_MAX), sig);
}

/* Position of the newline that ends the text before the last empty line, or text.len. */
static size_t find_last_empty_line(struct span text)
{
    for (size_t i = text.len; i-- > 1;) {
        if (text.data[i] == '\n' && text.data[i - 1] == '\n')
            return i - 1;
    }
    return text.len;
}

int note_parse(struct span text, struct note *out, struct err *err)
{
    if (text.len > NOTE_MAX)
        return err_set(err, ERR_LIMIT, "note: %zu bytes, limit %d", text.len, NOTE_MAX);
    size_t bad = find_bad_byte(text);
    if (bad != text.len)
        return err_set(err, ERR_SYNTAX, "note: byte %zu: 0x%02x is neither text nor newline", bad, text.data[bad]);
    size_t end = find_last_empty_line(text);
    if (end == text.len)
        return err_set(err, ERR_SYNTAX, "note: no empty line between text and signatures");
    out->text = span_sub(text, 0, end + 1);
    out->sig_count = 0;

    struct reader r;
    reader_init(&r, text);
    reader_bytes(&r, end + 2);
    while (!reader_end(&r)) {
        size_t at = r.pos;
        struct span line = reader_line(&r, NOTE_MAX);
        if (reader_check(&r, "note", err) < 0)
            return err->code;
        if (out->sig_count == NOTE_SIGS_MAX)
            return err_set(err, ERR_LIMIT, "note: more than %d signature lines", NOTE_SIGS_MAX);
        struct note_sig *sig = &out->sigs[out->sig_count++];
        if (!parse_sig_line(line, sig))
            return err_set(err, ERR_SYNTAX, "note: byte %zu: expected a signature line", at);
        sig->line = span_of(line.data, line.len + 1);
    }
    if (out->sig_count == 0)
        return err_set(err, ERR_SYNTAX, "note: no signature");
    return 0;
}

/* ---- signing and verifying ---- */

/* What a cosignature covers (tlog-cosignature): two lines, then the whole text. */
static int cosigned_message(struct span text, uint64_t time, struct buf *out, struct err *err)
{
    buf_init(out, NOTE_MAX + 64);
    buf_fmt(out, "cosignature/v1\ntime %" PRIu64 "\n", time);
    buf_span(out, text);
    return buf_check(out, "cosigned note", err);
}

/* 1 or 0; negative only without memory. */
static int check_sig(struct span text, const struct note_key *key, const struct note_sig *sig, uint64_t *ret_time,
                     struct err *err)
{
    *ret_time = 0;
    if (key->type == NOTE_ED25519)
        return sig->len == ED25519_SIG && ed25519_verify(text, key->public_key, sig->bytes);
    if (sig->len != COSIGNATURE_LEN)
        return 0;
    struct reader r;
    reader_init(&r, span_of(sig->bytes, sig->len));
    uint64_t time = reader_u64(&r);
    if (time > INT64_MAX)
        return 0;
    struct buf message;
    int result = cosigned_message(text, time, &message, err);
    if (result == 0)
        result = ed25519_verify(buf_view(&message), key->public_key, sig->bytes + 8);
    buf_done(&message);
    *ret_time = time;
    return result;
}

int note_verify(const struct note *note, const struct note_key *key, uint64_t *ret_time, struct err *err)
{
    const struct note_sig *found = NULL;
    for (size_t i = 0; i < note->sig_count; i++) {
        const struct note_sig *sig = &note->sigs[i];
        if (sig->id != key->id || !span_is(sig->name, key->name))
            continue;
        if (found)
            return err_set(err, ERR_VERIFY, "note: two signatures by %s+%08" PRIx32, key->name, key->id);
        found = sig;
    }
    if (!found)
        return 0;
    uint64_t time = 0;
    int result = check_sig(note->text, key, found, &time, err);
    if (result == 0)
        return err_set(err, ERR_VERIFY, "note: the signature by %s+%08" PRIx32 " does not hold", key->name, key->id);
    if (result > 0 && ret_time)
        *ret_time = time;
    return result;
}

int note_sign(struct span text, const struct note_signer *signer, uint64_t time, struct buf *out, struct err *err)
{
    if (text.len == 0 || text.len > NOTE_MAX || text.data[text.len - 1] != '\n' || find_bad_byte(text) != text.len)
        return err_set(err, ERR_SYNTAX, "note text: must be UTF-8 of at most %d bytes that ends with a newline",
                       NOTE_MAX);
    uint8_t bytes[4 + COSIGNATURE_LEN];
    struct buf line;
    buf_init(&line, sizeof(bytes));
    buf_u32(&line, signer->key.id);
    int result = 0;
    uint8_t sig[ED25519_SIG];
    if (signer->key.type == NOTE_ED25519) {
        ed25519_sign(text, signer->seed, sig);
    } else {
        struct buf message;
        result = cosigned_message(text, time, &message, err);
        if (result == 0)
            ed25519_sign(buf_view(&message), signer->seed, sig);
        buf_done(&message);
        buf_u64(&line, time);
    }
    buf_add(&line, sig, sizeof(sig));
    if (result == 0)
        result = buf_check(&line, "signature", err);
    if (result == 0) {
        buf_str(out, EM_DASH_SPACE);
        buf_str(out, signer->key.name);
        buf_byte(out, ' ');
        buf_base64(out, line.data, line.len);
        buf_byte(out, '\n');
        result = buf_check(out, "note", err);
    }
    buf_done(&line);
    return result;
}
