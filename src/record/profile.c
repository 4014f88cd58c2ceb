#include "record/member.h"

#include "record/body.h"

static const char *const class_words[] = {
    [CLASS_INTERGOVERNMENTAL] = "intergovernmental",
    [CLASS_STATE] = "state",
    [CLASS_PRIVATE] = "private",
    [CLASS_CIVIL] = "civil",
    [CLASS_UNKNOWN] = "unknown",
};

const char *member_class_word(enum member_class class)
{
    return class_words[class <= CLASS_UNKNOWN ? class : CLASS_UNKNOWN];
}

enum member_class member_class_parse(struct span word)
{
    for (enum member_class class = CLASS_INTERGOVERNMENTAL; class < CLASS_UNKNOWN; class ++)
        if (span_is(word, class_words[class]))
            return class;
    return CLASS_UNKNOWN;
}

/* ---- reading ---- */

static int parse_list(const json_t *object, const char *key, struct member_list *out, struct err *err)
{
    const json_t *list = json_object_get(object, key);
    if (!list)
        return 0;
    if (!json_is_array(list))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is no array", key);
    if (json_array_size(list) > MEMBER_LIST_MAX)
        return err_set(err, ERR_LIMIT, "body: \"%s\" has %zu items, limit %d", key, json_array_size(list),
                       MEMBER_LIST_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct span text =
            json_is_string(item) ? span_of(json_string_value(item), json_string_length(item)) : (struct span){0};
        if (!record_value_valid(text) || text.len > MEMBER_WORD_MAX)
            return err_set(err, ERR_SYNTAX, "body: \"%s\" item %zu is no line of text of 1 to %d bytes", key, i,
                           MEMBER_WORD_MAX);
        memcpy(out->item[i], text.data, text.len);
        out->item[i][text.len] = '\0';
    }
    out->count = (unsigned)json_array_size(list);
    return 0;
}

static int parse_words(const json_t *object, struct profile *out, struct err *err)
{
    char class[MEMBER_WORD_MAX + 1];
    int rc = body_text(object, "name", BODY_REQUIRED, ORIGIN_NAME_MAX, out->name, err);
    if (rc == 0 && !member_name_valid(span_str(out->name)))
        rc = err_set(err, ERR_SYNTAX, "body: \"name\" has characters or a form that names may not have");
    if (rc == 0)
        rc = body_text(object, "class", BODY_REQUIRED, MEMBER_WORD_MAX, class, err);
    if (rc == 0)
        out->class = member_class_parse(span_str(class));
    if (rc == 0)
        rc = body_text(object, "jurisdiction", BODY_OPTIONAL, MEMBER_WORD_MAX, out->jurisdiction, err);
    if (rc == 0)
        rc = body_text(object, "contact", BODY_OPTIONAL, MEMBER_WORD_MAX, out->contact, err);
    if (rc == 0)
        rc = body_text(object, "host", BODY_OPTIONAL, ORIGIN_MAX, out->host, err);
    if (rc == 0 && out->host[0] != '\0' && !origin_valid(span_str(out->host)))
        rc = err_set(err, ERR_SYNTAX, "body: \"host\" is no origin");
    if (rc == 0)
        rc = parse_list(object, "sectors", &out->sectors, err);
    if (rc == 0)
        rc = parse_list(object, "languages", &out->languages, err);
    if (rc == 0)
        rc = parse_list(object, "endpoints", &out->endpoints, err);
    return rc;
}

static bool same_key(const uint8_t a[32], const uint8_t b[32])
{
    return memcmp(a, b, 32) == 0;
}

static int parse_keys(const json_t *object, struct profile *out, struct err *err)
{
    int rc = body_base64(object, "log_key", BODY_OPTIONAL, 32, out->log_key, err);
    if (rc == 0)
        rc = body_hex32(object, "recovery_hash", BODY_OPTIONAL, out->recovery_hash, err);
    if (rc == 0)
        rc = body_base64(object, "cosigner_key", BODY_REQUIRED, 32, out->cosigner_key, err);
    if (rc == 0)
        rc = body_base64(object, "request_key", BODY_REQUIRED, 32, out->request_key, err);
    if (rc == 0)
        rc = body_base64(object, "encryption_key", BODY_REQUIRED, 32, out->encryption_key, err);
    if (rc == 0 && (same_key(out->log_key, out->cosigner_key) || same_key(out->log_key, out->request_key) ||
                    same_key(out->cosigner_key, out->request_key)))
        rc = err_set(err, ERR_SYNTAX, "body: log_key, cosigner_key and request_key must be three different keys");
    return rc;
}

static int parse_succeeds(const json_t *object, struct profile *out, struct err *err)
{
    const json_t *succeeds = json_object_get(object, "succeeds");
    if (!succeeds)
        return 0;
    if (!json_is_object(succeeds))
        return err_set(err, ERR_SYNTAX, "body: \"succeeds\" is no object");
    int rc = body_text(succeeds, "origin", BODY_REQUIRED, ORIGIN_MAX, out->succeeds_origin, err);
    if (rc == 0 && !origin_valid(span_str(out->succeeds_origin)))
        rc = err_set(err, ERR_SYNTAX, "body: \"origin\" is no origin");
    if (rc == 0)
        rc = body_base64(succeeds, "recovery_key", BODY_REQUIRED, 32, out->succeeds_recovery_key, err);
    if (rc == 0)
        rc = body_base64(succeeds, "signature", BODY_REQUIRED, 64, out->succeeds_signature, err);
    if (rc < 0)
        return err_in(err, "succeeds");
    out->has_succeeds = true;
    return 0;
}

int profile_parse(const struct record *record, struct profile *out, struct err *err)
{
    if (!span_is(record->kind, "connect/profile"))
        return err_set(err, ERR_SYNTAX, "the record is no connect/profile");
    json_t *object = body_load(record, err);
    if (!object)
        return err_in(err, "profile");
    memset(out, 0, sizeof(*out));
    int rc = parse_words(object, out, err);
    if (rc == 0)
        rc = parse_keys(object, out, err);
    if (rc == 0)
        rc = parse_succeeds(object, out, err);
    json_decref(object);
    return rc < 0 ? err_in(err, "profile") : 0;
}

/* ---- writing ---- */

static void put_list(json_t **object, const char *key, const struct member_list *list)
{
    if (list->count == 0)
        return;
    json_t *array = json_array();
    for (unsigned i = 0; i < list->count && i < MEMBER_LIST_MAX && array; i++)
        if (json_array_append_new(array, json_string(list->item[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    body_put(object, key, array);
}

static void put_optional(json_t **object, const char *key, const char *text)
{
    if (text[0] != '\0')
        body_put_text(object, key, text);
}

static json_t *profile_object(const struct profile *profile)
{
    json_t *object = json_object();
    body_put_text(&object, "name", profile->name);
    body_put_text(&object, "class", member_class_word(profile->class));
    put_optional(&object, "jurisdiction", profile->jurisdiction);
    put_optional(&object, "contact", profile->contact);
    put_optional(&object, "host", profile->host);
    put_list(&object, "sectors", &profile->sectors);
    put_list(&object, "languages", &profile->languages);
    put_list(&object, "endpoints", &profile->endpoints);
    if (!bytes_zero(profile->log_key, 32))
        body_put_base64(&object, "log_key", profile->log_key, 32);
    if (!bytes_zero(profile->recovery_hash, 32))
        body_put_hex(&object, "recovery_hash", profile->recovery_hash, 32);
    body_put_base64(&object, "cosigner_key", profile->cosigner_key, 32);
    body_put_base64(&object, "request_key", profile->request_key, 32);
    body_put_base64(&object, "encryption_key", profile->encryption_key, 32);
    if (profile->has_succeeds) {
        json_t *succeeds = json_object();
        body_put_text(&succeeds, "origin", profile->succeeds_origin);
        body_put_base64(&succeeds, "recovery_key", profile->succeeds_recovery_key, 32);
        body_put_base64(&succeeds, "signature", profile->succeeds_signature, 64);
        body_put(&object, "succeeds", succeeds);
    }
    return object;
}

/* What may stand in a profile has one judge: profile_parse. */
static int check_written(struct span text, struct err *err)
{
    struct arena arena;
    struct record record;
    struct profile profile;
    arena_init(&arena, 64u << 10);
    int rc = record_parse(text, &arena, &record, err);
    if (rc == 0)
        rc = profile_parse(&record, &profile, err);
    arena_done(&arena);
    return rc;
}

int profile_write(const struct profile *profile, int64_t time_ms, struct buf *out_record, struct err *err)
{
    size_t start = out_record->len;
    json_t *object = profile_object(profile);
    int rc = body_write("connect/profile", time_ms, object, out_record, err);
    json_decref(object);
    if (rc < 0)
        return rc;
    rc = check_written(span_sub(buf_view(out_record), start, out_record->len), err);
    if (rc < 0)
        buf_cut(out_record, start);
    return rc;
}
