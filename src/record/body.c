#include "record/body.h"

#include "base/codec.h"

json_t *body_load(const struct record *record, struct err *err)
{
    if (record->body.len > INLINE_MAX) {
        err_set(err, ERR_LIMIT, "body of %zu bytes, limit %d", record->body.len, INLINE_MAX);
        return NULL;
    }
    json_t *object = json_small_load(record->body, err);
    if (!object) {
        err_in(err, "body");
        return NULL;
    }
    if (!json_is_object(object)) {
        json_decref(object);
        err_set(err, ERR_SYNTAX, "body: expected a JSON object");
        return NULL;
    }
    return object;
}

/* 1 and *ret: a string is there; 0: absent and optional. */
static int find_string(const json_t *object, const char *key, enum body_need need, struct span *ret, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value && need == BODY_OPTIONAL)
        return 0;
    if (!value)
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is missing", key);
    if (!json_is_string(value))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is no string", key);
    *ret = span_of(json_string_value(value), json_string_length(value));
    return 1;
}

int body_text(const json_t *object, const char *key, enum body_need need, size_t max, char *out, struct err *err)
{
    struct span text = {0};
    out[0] = '\0';
    int rc = find_string(object, key, need, &text, err);
    if (rc <= 0)
        return rc;
    if (text.len > max)
        return err_set(err, ERR_LIMIT, "body: \"%s\" of %zu bytes, limit %zu", key, text.len, max);
    if (text.len == 0 || !record_value_valid(text))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is empty, or has control characters or spaces at its ends", key);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return 0;
}

static int refuse_zero(const char *key, enum body_need need, const uint8_t *out, size_t len, struct err *err)
{
    if (need == BODY_OPTIONAL && bytes_zero(out, len))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is all zero", key);
    return 0;
}

int body_base64(const json_t *object, const char *key, enum body_need need, size_t len, uint8_t *out, struct err *err)
{
    struct span text = {0};
    memset(out, 0, len);
    int rc = find_string(object, key, need, &text, err);
    if (rc <= 0)
        return rc;
    if (!base64_decode(text, out, len))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is not base64 of %zu bytes", key, len);
    return refuse_zero(key, need, out, len, err);
}

int body_hex32(const json_t *object, const char *key, enum body_need need, uint8_t out[32], struct err *err)
{
    struct span text = {0};
    memset(out, 0, 32);
    int rc = find_string(object, key, need, &text, err);
    if (rc <= 0)
        return rc;
    if (!hex_decode(text, out, 32))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is not lower-case hex of 32 bytes", key);
    return refuse_zero(key, need, out, 32, err);
}

int body_u64(const json_t *object, const char *key, uint64_t max, uint64_t *ret, struct err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is no whole number from 0 on", key);
    uint64_t number = (uint64_t)json_integer_value(value);
    if (number > max)
        return err_set(err, ERR_LIMIT, "body: \"%s\" is %llu, limit %llu", key, (unsigned long long)number,
                       (unsigned long long)max);
    *ret = number;
    return 0;
}

void body_put(json_t **object, const char *key, json_t *value)
{
    if (!*object) {
        json_decref(value);
        return;
    }
    if (json_object_set_new(*object, key, value) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

void body_put_text(json_t **object, const char *key, const char *text)
{
    body_put(object, key, json_string(text));
}

json_t *body_base64_value(const void *data, size_t len)
{
    struct buf text;
    buf_init(&text, BASE64_LEN(len) + 1);
    buf_base64(&text, data, len);
    json_t *value = text.failed ? NULL : json_stringn(buf_cstr(&text), text.len);
    buf_done(&text);
    return value;
}

void body_put_base64(json_t **object, const char *key, const void *data, size_t len)
{
    body_put(object, key, body_base64_value(data, len));
}

void body_put_hex(json_t **object, const char *key, const void *data, size_t len)
{
    struct buf text;
    buf_init(&text, HEX_LEN(len) + 1);
    buf_hex(&text, data, len);
    body_put(object, key, text.failed ? NULL : json_stringn(buf_cstr(&text), text.len));
    buf_done(&text);
}

int body_write_text(const char *kind, int64_t time_ms, struct span body, struct buf *out, struct err *err)
{
    size_t start = out->len;
    const struct record_draft draft = {.kind = kind, .time_ms = time_ms, .body = body};
    int rc = record_write(&draft, out, err);
    if (rc < 0)
        return rc;
    size_t len = out->len - start;
    if (len > INLINE_MAX) {
        buf_cut(out, start);
        return err_set(err, ERR_LIMIT, "%s: %zu bytes, limit %d", kind, len, INLINE_MAX);
    }
    return 0;
}

int body_write(const char *kind, int64_t time_ms, const json_t *object, struct buf *out, struct err *err)
{
    if (!object)
        return err_set(err, ERR_SYNTAX, "%s: a text is not UTF-8, or no memory", kind);
    struct buf body;
    buf_init(&body, JSON_SMALL_MAX);
    int rc = json_small_dump(object, &body, err);
    if (rc == 0) {
        buf_byte(&body, '\n');
        rc = buf_check(&body, kind, err);
    }
    if (rc == 0)
        rc = body_write_text(kind, time_ms, buf_view(&body), out, err);
    buf_done(&body);
    return rc;
}
