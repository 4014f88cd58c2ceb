#include "security/fold.h"

#include <stdlib.h>

#include "base/sha256.h"
#include "base/utf8.h"

#define LABELS_MAX 16         /* of one object */
#define LABEL_MAX 128         /* bytes; longer ones are no words to search for */
#define DESCRIPTION_MAX 65536 /* bytes that can be searched */
#define TITLE_ARENA_MAX (4 * (size_t)PAYLOAD_MAX)
#define UUID_VERSION_AT 14 /* character of a UUID that says its version */

int security_check(const struct record *record, struct err *err)
{
    if (record->type.len > 0 && !span_starts(record->type, SPAN_LIT("application/stix+json")))
        return err_set(err, ERR_SYNTAX, STIX_KIND ": type is not " STIX_TYPE);
    return 0;
}

int64_t security_body_hash(struct span body)
{
    uint8_t hash[SHA256_SIZE];
    int64_t ret;
    sha256_once(body, hash);
    memcpy(&ret, hash, sizeof(ret));
    return ret;
}

/* ---- text ---- */

/* Scripts that are written without spaces between words, and Hangul, whose words carry endings. */
static bool stands_alone(uint32_t c)
{
    return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x31f0 && c <= 0x31ff) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7af) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x20000 && c <= 0x323af);
}

void security_split_text(struct span text, struct buf *out)
{
    bool behind = false; /* a character that stands alone */
    for (size_t pos = 0; pos < text.len;) {
        size_t at = pos;
        uint32_t c = utf8_next(text, &pos);
        bool alone = c >= 0x3040 && stands_alone(c);
        if ((alone || behind) && out->len > 0)
            buf_byte(out, ' ');
        behind = alone;
        buf_span(out, span_sub(text, at, pos - at));
    }
}

/* ---- collecting ---- */

static int rows_add(struct rows *rows, size_t size, const void *row, struct err *err)
{
    if (rows->count == rows->cap) {
        size_t cap = rows->cap ? 2 * rows->cap : 256;
        void *grown = reallocarray(rows->data, cap, size);
        if (!grown)
            return err_memory(err);
        *rows = (struct rows){.data = grown, .count = rows->count, .cap = cap, .size = size};
    }
    memcpy((char *)rows->data + rows->count * size, row, size);
    rows->count++;
    return 0;
}

static struct security_fold *state_of(struct fold *fold, struct err *err)
{
    void **slot = fold_state(fold, &security_capability);
    struct security_fold *state = *slot;
    if (state)
        return state;
    state = arena_alloc(fold->arena, sizeof(*state));
    if (!state) {
        err_memory(err);
        return NULL;
    }
    *slot = state;
    state->scanner = json_scanner_new();
    if (!state->scanner) {
        err_memory(err);
        return NULL;
    }
    return state;
}

void security_discard(struct fold *fold)
{
    void **slot = fold_state(fold, &security_capability);
    struct security_fold *state = *slot;
    *slot = NULL;
    if (!state)
        return;
    json_scanner_free(state->scanner);
    free(state->objects.data);
    free(state->iocs.data);
    free(state->labels.data);
    free(state->texts.data);
    free(state->forgotten.data);
}

/* One object on its way into the tables. */
struct folding {
    struct fold *fold;
    struct security_fold *state;
    const struct fold_record *record;
    struct stix_object object;
    size_t first_value; /* in state->iocs */
};

static uint64_t value_head(struct span value)
{
    uint64_t head = 0;
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (i < value.len ? value.data[i] : 0);
    return head;
}

static int add_value(void *ctx, enum ioc_type type, struct span value, struct err *err)
{
    struct folding *f = ctx;
    struct ioc_row row = {.head = value_head(value),
                          .value = arena_copy(f->fold->arena, value),
                          .ref = f->record->ref,
                          .type = (uint8_t)type,
                          .shown = f->record->shown};
    if (!row.value.data)
        return err_memory(err);
    return rows_add(&f->state->iocs, sizeof(row), &row, err);
}

/* A pattern out of form makes no indicator, but the object is kept and can be found by its name. */
static int add_values(struct folding *f, struct err *err)
{
    const struct stix_object *o = &f->object;
    struct err refused;
    f->first_value = f->state->iocs.count;
    if (!span_is(o->type, "indicator") || (o->pattern_type.data && !span_is(o->pattern_type, "stix")))
        return 0;
    int rc = stix_pattern_values(o->pattern, add_value, f, &refused);
    if (rc == ERR_MEMORY)
        return err_memory(err);
    if (rc < 0)
        f->state->iocs.count = f->first_value;
    return 0;
}

static int add_object(struct folding *f, struct err *err)
{
    const struct stix_object *o = &f->object;
    const struct record *record = f->record->record;
    struct object_row row = {.id_hash = index_hash(HASH_STIX_ID, o->id),
                             .ref = f->record->ref,
                             .version_ms = o->has_modified    ? o->modified_ms
                                           : o->has_created   ? o->created_ms
                                           : record->has_time ? record->time_ms
                                                              : 0,
                             .valid_until_ms = o->valid_until_ms,
                             .body_hash = security_body_hash(record->body),
                             .type = span_is(o->type, "indicator") ? STIX_INDICATOR : STIX_OTHER,
                             .revoked = o->revoked,
                             .has_valid_until = o->has_valid_until,
                             .score = (uint8_t)o->confidence,
                             .has_score = o->has_confidence,
                             .shown = f->record->shown};
    return rows_add(&f->state->objects, sizeof(row), &row, err);
}

static int add_labels(struct folding *f, struct err *err)
{
    const struct stix_object *o = &f->object;
    for (size_t i = 0; i < o->label_count && i < LABELS_MAX; i++) {
        struct span label = o->labels[i];
        if (label.len == 0 || label.len > LABEL_MAX)
            continue;
        uint8_t *lower = arena_alloc(f->fold->arena, label.len);
        if (!lower)
            return err_memory(err);
        for (size_t k = 0; k < label.len; k++)
            lower[k] = label.data[k] >= 'A' && label.data[k] <= 'Z' ? label.data[k] | 0x20 : label.data[k];
        struct label_row row = {.label = span_of(lower, label.len), .ref = f->record->ref};
        int rc = rows_add(&f->state->labels, sizeof(row), &row, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* An indicator made from a line of a list: a deterministic id, one value, and a name that is that value. Its name is
 * found by value and its source by label: full text of a million of them would be a large table without a new word. */
static bool is_generated(const struct folding *f)
{
    const struct stix_object *o = &f->object;
    size_t version = o->type.len + 2 + UUID_VERSION_AT;
    if (f->state->iocs.count != f->first_value + 1 || o->id.len <= version || o->id.data[version] != '5')
        return false;
    const struct ioc_row *row = (const struct ioc_row *)f->state->iocs.data + f->first_value;
    if (!o->name.data || o->name.len < row->value.len)
        return o->name.len == 0;
    return span_eq(span_sub(o->name, o->name.len - row->value.len, row->value.len), row->value);
}

static void add_words(struct buf *out, const struct span *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_byte(out, '\n');
        security_split_text(words[i], out);
    }
}

static int add_text(struct folding *f, struct err *err)
{
    const struct stix_object *o = &f->object;
    if (is_generated(f) || (o->name.len == 0 && o->description.len == 0 && o->external_id_count == 0))
        return 0;
    struct buf name, words;
    buf_init(&name, 4 * (size_t)DESCRIPTION_MAX);
    buf_init(&words, 8 * (size_t)DESCRIPTION_MAX);
    security_split_text(span_sub(o->name, 0, DESCRIPTION_MAX), &name);
    security_split_text(span_sub(o->description, 0, DESCRIPTION_MAX), &words);
    add_words(&words, o->aliases, o->alias_count);
    add_words(&words, o->external_ids, o->external_id_count);
    add_words(&words, o->labels, o->label_count);
    struct text_row row = {.name = arena_copy(f->fold->arena, buf_view(&name)),
                           .words = arena_copy(f->fold->arena, buf_view(&words)),
                           .ref = f->record->ref,
                           .shown = f->record->shown};
    buf_done(&name);
    buf_done(&words);
    if (!row.name.data || !row.words.data)
        return err_memory(err);
    return rows_add(&f->state->texts, sizeof(row), &row, err);
}

int security_apply(struct fold *fold, const struct fold_record *record, struct err *err)
{
    struct folding f = {.fold = fold, .record = record, .state = state_of(fold, err)};
    const struct json_tree *tree;
    if (!f.state)
        return err->code;
    int rc = json_scan(f.state->scanner, record->record->body, &tree, err);
    if (rc == 0)
        rc = stix_read(tree, record->arena, &f.object, err);
    if (rc == 0)
        rc = add_object(&f, err);
    if (rc == 0)
        rc = add_values(&f, err);
    if (rc == 0)
        rc = add_labels(&f, err);
    return rc < 0 ? rc : add_text(&f, err);
}

int security_forget(struct fold *fold, int64_t ref, struct err *err)
{
    struct security_fold *state = state_of(fold, err);
    return state ? rows_add(&state->forgotten, sizeof(ref), &ref, err) : err->code;
}

int security_flush(struct fold *fold, struct err *err)
{
    struct security_fold *state = *fold_state(fold, &security_capability);
    return state ? security_write(fold, state, err) : 0;
}

/* ---- a line for people ---- */

void security_title(const struct record *record, struct arena *arena, struct buf *out)
{
    struct json_scanner *scanner = json_scanner_new();
    const struct json_tree *tree;
    struct stix_object object;
    struct err ignored;
    if (scanner && json_scan(scanner, record->body, &tree, &ignored) == 0 &&
        stix_read(tree, arena, &object, &ignored) == 0) {
        buf_span(out, object.type);
        buf_str(out, ": ");
        buf_span(out, object.name.len > 0 ? object.name : object.id);
    }
    json_scanner_free(scanner);
}
