#include "record/fork.h"

#include "base/codec.h"
#include "record/body.h"

#define FORK_ENTRIES_MAX (ROTATIONS_MAX + 1)
#define FORK_HASHES_MAX 64 /* of one inclusion proof; RFC 6962 trees of 2^64 leaves need no more */

/* ---- reading ---- */

static struct span string_span(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value)) : (struct span){0};
}

static int parse_hashes(const char *key, const json_t *list, struct tlog_proof *out, struct err *err)
{
    if (!json_is_array(list))
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is no array of hashes", key);
    if (json_array_size(list) > FORK_HASHES_MAX)
        return err_set(err, ERR_LIMIT, "body: \"%s\" has a proof of %zu hashes, limit %d", key, json_array_size(list),
                       FORK_HASHES_MAX);
    out->count = json_array_size(list);
    for (size_t i = 0; i < out->count; i++)
        if (!base64_decode(string_span(json_array_get(list, i)), out->h[i].b, TLOG_HASH_SIZE))
            return err_set(err, ERR_SYNTAX, "body: \"%s\": hash %zu is not base64 of %d bytes", key, i, TLOG_HASH_SIZE);
    return 0;
}

static int parse_entries(const json_t *object, struct arena *arena, struct fork_proof *out, struct err *err)
{
    const json_t *list = json_object_get(object, "entries"), *indices = json_object_get(object, "entry_indices");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || !json_is_array(indices) || count == 0 || json_array_size(indices) != count)
        return err_set(err, ERR_SYNTAX, "body: \"entries\" and \"entry_indices\" are not two arrays of one length");
    if (count > FORK_ENTRIES_MAX)
        return err_set(err, ERR_LIMIT, "body: %zu \"entries\", limit %d", count, FORK_ENTRIES_MAX);
    struct span *entries = arena_array(arena, count, sizeof(*entries));
    uint64_t *positions = arena_array(arena, count, sizeof(*positions));
    if (!entries || !positions)
        return err_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct span text = string_span(json_array_get(list, i));
        size_t max = text.len / 4 * 3;
        uint8_t *bytes = arena_alloc(arena, max + 1);
        if (!bytes)
            return err_memory(err);
        if (text.len == 0 || !base64_decode_any(text, max, bytes, &entries[i].len))
            return err_set(err, ERR_SYNTAX, "body: \"entries\" item %zu is not base64", i);
        entries[i].data = bytes;
        const json_t *index = json_array_get(indices, i);
        if (!json_is_integer(index) || json_integer_value(index) < 0 ||
            (uint64_t)json_integer_value(index) >= LOG_SIZE_MAX)
            return err_set(err, ERR_SYNTAX, "body: \"entry_indices\" item %zu is no index", i);
        positions[i] = (uint64_t)json_integer_value(index);
        if (i == 0 ? positions[i] != 0 : positions[i] <= positions[i - 1])
            return err_set(err, ERR_SYNTAX, "body: \"entry_indices\" do not ascend from 0");
    }
    out->entries = entries;
    out->entry_indices = positions;
    out->entry_count = count;
    return 0;
}

static int parse_branch(const json_t *object, const char *key, size_t entry_count, struct arena *arena,
                        struct fork_branch *out, struct err *err)
{
    const json_t *branch = json_object_get(object, key);
    const json_t *proofs = json_object_get(branch, "proofs");
    struct span note = string_span(json_object_get(branch, "checkpoint"));
    if (!json_is_object(branch) || note.len == 0)
        return err_set(err, ERR_SYNTAX, "body: \"%s\" is no object with a \"checkpoint\"", key);
    if (note.len > NOTE_MAX)
        return err_set(err, ERR_LIMIT, "body: \"%s\" has a checkpoint of %zu bytes, limit %d", key, note.len, NOTE_MAX);
    if (!json_is_array(proofs) || json_array_size(proofs) != entry_count)
        return err_set(err, ERR_SYNTAX, "body: \"%s\" has not one of \"proofs\" an entry", key);
    struct tlog_proof *out_proofs = arena_array(arena, entry_count, sizeof(*out_proofs));
    out->checkpoint = arena_copy(arena, note);
    if (!out_proofs || !out->checkpoint.data)
        return err_memory(err);
    int rc = 0;
    for (size_t i = 0; i < entry_count && rc == 0; i++)
        rc = parse_hashes(key, json_array_get(proofs, i), &out_proofs[i], err);
    out->proofs = out_proofs;
    return rc;
}

static int parse_leaf(const json_t *object, const char *leaf, const char *proof, struct fork_branch *out,
                      struct err *err)
{
    int rc = body_base64(object, leaf, BODY_REQUIRED, TLOG_HASH_SIZE, out->leaf.b, err);
    return rc < 0 ? rc : parse_hashes(proof, json_object_get(object, proof), &out->leaf_proof, err);
}

static int parse_object(const json_t *object, struct arena *arena, struct fork_proof *out, struct err *err)
{
    int rc = body_text(object, "origin", BODY_REQUIRED, ORIGIN_MAX, out->origin, err);
    if (rc == 0 && !origin_valid(span_str(out->origin)))
        rc = err_set(err, ERR_SYNTAX, "body: \"origin\" is no origin");
    if (rc == 0)
        rc = parse_entries(object, arena, out, err);
    if (rc == 0)
        rc = parse_branch(object, "a", out->entry_count, arena, &out->a, err);
    if (rc == 0)
        rc = parse_branch(object, "b", out->entry_count, arena, &out->b, err);
    if (rc < 0 || !json_object_get(object, "index"))
        return rc;
    out->has_index = true;
    rc = body_u64(object, "index", LOG_SIZE_MAX - 1, &out->index, err);
    if (rc == 0)
        rc = parse_leaf(object, "leaf_a", "proof_a", &out->a, err);
    if (rc == 0)
        rc = parse_leaf(object, "leaf_b", "proof_b", &out->b, err);
    return rc;
}

int fork_parse(const struct record *record, struct arena *arena, struct fork_proof *out, struct err *err)
{
    if (!span_is(record->kind, "connect/fork"))
        return err_set(err, ERR_SYNTAX, "the record is no connect/fork");
    json_t *object = body_load(record, err);
    if (!object)
        return err_in(err, "fork proof");
    memset(out, 0, sizeof(*out));
    int rc = parse_object(object, arena, out, err);
    json_decref(object);
    return rc < 0 ? err_in(err, "fork proof") : 0;
}

/* ---- writing ---- */

/* Append `item`; on any failure *array becomes NULL. */
static void push(json_t **array, json_t *item)
{
    if (!*array) {
        json_decref(item);
        return;
    }
    if (json_array_append_new(*array, item) != 0) {
        json_decref(*array);
        *array = NULL;
    }
}

static json_t *hashes_value(const struct tlog_proof *proof)
{
    json_t *array = json_array();
    for (size_t i = 0; i < proof->count; i++)
        push(&array, body_base64_value(proof->h[i].b, TLOG_HASH_SIZE));
    return array;
}

/* The note with no other signatures than Ed25519 ones under the origin's name: cosignatures prove nothing here. */
static int bare_note(const struct fork_branch *branch, struct span origin, struct buf *out, struct err *err)
{
    struct note note;
    int rc = note_parse(branch->checkpoint, &note, err);
    if (rc < 0)
        return err_in(err, "fork proof: checkpoint");
    buf_span(out, note.text);
    buf_byte(out, '\n');
    for (size_t i = 0; i < note.sig_count; i++)
        if (span_eq(note.sigs[i].name, origin) && note.sigs[i].len == ED25519_SIG)
            buf_span(out, note.sigs[i].line);
    return buf_check(out, "fork proof: checkpoint", err);
}

static int branch_value(const struct fork_proof *proof, const struct fork_branch *branch, json_t **ret, struct err *err)
{
    struct buf note;
    buf_init(&note, NOTE_MAX);
    int rc = bare_note(branch, span_str(proof->origin), &note, err);
    if (rc == 0) {
        json_t *object = json_object(), *proofs = json_array();
        body_put(&object, "checkpoint", json_stringn(buf_cstr(&note), note.len));
        for (size_t i = 0; i < proof->entry_count; i++)
            push(&proofs, hashes_value(&branch->proofs[i]));
        body_put(&object, "proofs", proofs);
        *ret = object;
    }
    buf_done(&note);
    return rc;
}

static void put_leaves(json_t **object, const struct fork_proof *proof)
{
    body_put(object, "index", json_integer((json_int_t)proof->index));
    body_put_base64(object, "leaf_a", proof->a.leaf.b, TLOG_HASH_SIZE);
    body_put_base64(object, "leaf_b", proof->b.leaf.b, TLOG_HASH_SIZE);
    body_put(object, "proof_a", hashes_value(&proof->a.leaf_proof));
    body_put(object, "proof_b", hashes_value(&proof->b.leaf_proof));
}

int fork_write(const struct fork_proof *proof, int64_t time_ms, struct buf *out_record, struct err *err)
{
    json_t *a = NULL, *b = NULL, *entries = json_array(), *indices = json_array(), *object = json_object();
    int rc = branch_value(proof, &proof->a, &a, err);
    if (rc == 0)
        rc = branch_value(proof, &proof->b, &b, err);
    for (size_t i = 0; i < proof->entry_count; i++) {
        push(&entries, body_base64_value(proof->entries[i].data, proof->entries[i].len));
        push(&indices, json_integer((json_int_t)proof->entry_indices[i]));
    }
    body_put_text(&object, "origin", proof->origin);
    body_put(&object, "entries", entries);
    body_put(&object, "entry_indices", indices);
    body_put(&object, "a", a);
    body_put(&object, "b", b);
    if (proof->has_index)
        put_leaves(&object, proof);
    if (rc == 0)
        rc = body_write("connect/fork", time_ms, object, out_record, err);
    json_decref(object);
    return rc;
}
