#include "record/rotate.h"

#include "base/codec.h"
#include "base/sha256.h"
#include "record/body.h"

#define TEXT_MAX 1024 /* bytes of a text that gets signed: an origin, an index, keys */

void rotate_text(struct span origin, uint64_t index, const uint8_t old_key[32], const uint8_t new_key[32],
                 const uint8_t next_recovery_hash[32], struct buf *out)
{
    buf_str(out, "tongzhou/1 rotate\n");
    buf_span(out, origin);
    buf_fmt(out, "\n%llu\n", (unsigned long long)index);
    buf_base64(out, old_key, 32);
    buf_byte(out, '\n');
    buf_base64(out, new_key, 32);
    buf_byte(out, '\n');
    buf_hex(out, next_recovery_hash, 32);
    buf_byte(out, '\n');
}

int rotate_parse(const struct record *record, struct rotate_body *out, struct err *err)
{
    char signed_by[16];
    if (!span_is(record->kind, "connect/rotate"))
        return err_set(err, ERR_SYNTAX, "the record is no connect/rotate");
    json_t *object = body_load(record, err);
    if (!object)
        return err_in(err, "rotation");
    memset(out, 0, sizeof(*out));
    int rc = body_base64(object, "old_key", BODY_REQUIRED, 32, out->old_key, err);
    if (rc == 0)
        rc = body_base64(object, "new_key", BODY_REQUIRED, 32, out->new_key, err);
    if (rc == 0)
        rc = body_hex32(object, "next_recovery_hash", BODY_REQUIRED, out->next_recovery_hash, err);
    if (rc == 0)
        rc = body_base64(object, "old_signature", BODY_REQUIRED, 64, out->old_signature, err);
    if (rc == 0)
        rc = body_base64(object, "new_signature", BODY_REQUIRED, 64, out->new_signature, err);
    if (rc == 0)
        rc = body_text(object, "signed_by", BODY_REQUIRED, sizeof(signed_by) - 1, signed_by, err);
    if (rc == 0) {
        out->by_recovery = strcmp(signed_by, "recovery") == 0;
        if (!out->by_recovery && strcmp(signed_by, "log") != 0)
            rc = err_set(err, ERR_SYNTAX, "body: \"signed_by\" is neither \"log\" nor \"recovery\"");
        else if (out->by_recovery)
            rc = body_base64(object, "recovery_key", BODY_REQUIRED, 32, out->recovery_key, err);
        else if (json_object_get(object, "recovery_key"))
            rc = err_set(err, ERR_SYNTAX, "body: \"recovery_key\" stands only with signed_by \"recovery\"");
    }
    json_decref(object);
    return rc < 0 ? err_in(err, "rotation") : 0;
}

static int verify_signatures(const struct rotate_body *body, struct span text, struct err *err)
{
    const uint8_t *signer = body->by_recovery ? body->recovery_key : body->old_key;
    if (!ed25519_verify(text, signer, body->old_signature))
        return err_set(err, ERR_VERIFY, "rotation: old_signature is not by the %s key",
                       body->by_recovery ? "recovery" : "old log");
    if (!ed25519_verify(text, body->new_key, body->new_signature))
        return err_set(err, ERR_VERIFY, "rotation: new_signature is not by the new log key");
    return 0;
}

int rotate_verify(const struct rotate_body *body, struct span origin, uint64_t index, const uint8_t old_key[32],
                  const uint8_t recovery_hash[32], struct err *err)
{
    if (memcmp(body->old_key, old_key, 32) != 0)
        return err_set(err, ERR_VERIFY, "rotation: old_key is not the log key in force");
    if (body->by_recovery) {
        uint8_t hash[32];
        sha256_once(span_of(body->recovery_key, 32), hash);
        if (memcmp(hash, recovery_hash, 32) != 0)
            return err_set(err, ERR_VERIFY, "rotation: recovery_key does not have the recovery hash in force");
    } else if (memcmp(body->next_recovery_hash, recovery_hash, 32) != 0) {
        return err_set(err, ERR_VERIFY, "rotation: only the recovery key may name another recovery key");
    }
    struct buf text;
    buf_init(&text, TEXT_MAX);
    rotate_text(origin, index, body->old_key, body->new_key, body->next_recovery_hash, &text);
    int rc = buf_check(&text, "rotation", err);
    if (rc == 0)
        rc = verify_signatures(body, buf_view(&text), err);
    buf_done(&text);
    return rc;
}

static json_t *rotate_object(const struct rotate_body *body)
{
    json_t *object = json_object();
    body_put_base64(&object, "old_key", body->old_key, 32);
    body_put_base64(&object, "new_key", body->new_key, 32);
    body_put_text(&object, "signed_by", body->by_recovery ? "recovery" : "log");
    if (body->by_recovery)
        body_put_base64(&object, "recovery_key", body->recovery_key, 32);
    body_put_hex(&object, "next_recovery_hash", body->next_recovery_hash, 32);
    body_put_base64(&object, "old_signature", body->old_signature, 64);
    body_put_base64(&object, "new_signature", body->new_signature, 64);
    return object;
}

int rotate_write(struct span origin, const struct rotation *rotation, int64_t time_ms, struct buf *out_record,
                 struct err *err)
{
    struct rotate_body body = {.by_recovery = rotation->old_seed == NULL};
    const uint8_t *signer = body.by_recovery ? rotation->recovery_seed : rotation->old_seed;
    uint8_t signer_key[32];
    ed25519_keypair(signer, signer_key);
    ed25519_keypair(rotation->new_seed, body.new_key);
    memcpy(body.old_key, rotation->old_key, 32);
    memcpy(body.next_recovery_hash, rotation->next_recovery_hash, 32);
    if (body.by_recovery)
        memcpy(body.recovery_key, signer_key, 32);
    else if (memcmp(signer_key, body.old_key, 32) != 0)
        return err_set(err, ERR_USAGE, "rotation: the secret key is not that of the log key in force");
    if (memcmp(body.new_key, body.old_key, 32) == 0)
        return err_set(err, ERR_USAGE, "rotation: the new key is the old one");
    struct buf text;
    buf_init(&text, TEXT_MAX);
    rotate_text(origin, rotation->index, body.old_key, body.new_key, body.next_recovery_hash, &text);
    int rc = buf_check(&text, "rotation", err);
    if (rc == 0) {
        ed25519_sign(buf_view(&text), signer, body.old_signature);
        ed25519_sign(buf_view(&text), rotation->new_seed, body.new_signature);
        json_t *object = rotate_object(&body);
        rc = body_write("connect/rotate", time_ms, object, out_record, err);
        json_decref(object);
    }
    buf_done(&text);
    return rc;
}
