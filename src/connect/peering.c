#include "connect/peering.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/utf8.h"
#include "connect/fetch.h"
#include "connect/heads.h"
#include "record/seal.h"
#include "tlog/checkpoint.h"
#include "tlog/tile.h"

#define PROBE_ARENA_MAX (1u << 20)
#define PROBE_TOTAL_MS 30000 /* a person waits */

/* ---- GET /node ---- */

int node_facts_write(struct span origin, struct buf *out, struct err *err)
{
    buf_str(out, "{\"operator\":");
    buf_json_string(out, origin);
    buf_str(out, ",\"tongzhou\":1,\"version\":\"" TONGZHOU_VERSION "\"}\n");
    return buf_check(out, "node facts", err);
}

static int facts_read(const json_t *object, struct node_facts *ret, struct err *err)
{
    const char *origin = "", *version = "";
    if (!json_is_object(object) || json_integer_value(json_object_get(object, "tongzhou")) != 1)
        return err_set(err, ERR_SYNTAX,
                       "no Tongzhou node answers here, or one of another format: expected \"tongzhou\":1");
    int code = json_small_string(object, "operator", "", &origin, err);
    if (code == 0)
        code = json_small_string(object, "version", "", &version, err);
    if (code < 0)
        return code;
    if (!origin_valid(span_str(origin)))
        return err_set(err, ERR_SYNTAX, "the node names no operator: its owner runs `tongzhou init` first");
    snprintf(ret->origin, sizeof(ret->origin), "%s", origin);
    text_escape_into(ret->version, sizeof(ret->version), span_str(version));
    return 0;
}

int node_facts_parse(struct span answer, struct node_facts *ret, struct err *err)
{
    if (answer.len > NODE_FACTS_MAX)
        return err_set(err, ERR_LIMIT, "longer than %d bytes", NODE_FACTS_MAX);
    json_t *object = json_small_load(answer, err);
    if (!object)
        return err->code;
    int code = facts_read(object, ret, err);
    json_decref(object);
    return code;
}

/* ---- the probe ---- */

struct probe {
    struct peering_found *found;
    char hex[65];
};

/* GET URL/path; 200 or an error that names what was asked for. */
static int probe_get(const char *url, const char *path, struct fetch_request *request, struct fetch_reply *reply,
                     struct err *err)
{
    char whole[PEER_URL_MAX + 256];
    snprintf(whole, sizeof(whole), "%s%s", url, path);
    request->url = whole;
    request->total_ms = PROBE_TOTAL_MS;
    int code = fetch_once(request, reply, err);
    bool is_ok = reply->status == 200 || (reply->status == 206 && request->has_range);
    if (code == 0 && !is_ok)
        code = err_set(err, ERR_NET, "status %d", reply->status);
    return code < 0 ? err_in(err, "%s", whole) : 0;
}

static int probe_node(struct probe *probe, struct err *err)
{
    struct fetch_request request = {.body_max = NODE_FACTS_MAX};
    struct fetch_reply reply = {0};
    struct node_facts facts;
    uint8_t hash[32];
    int code = probe_get(probe->found->url, "/node", &request, &reply, err);
    if (code == 0) {
        code = node_facts_parse(buf_view(&reply.body), &facts, err);
        if (code < 0)
            err_in(err, "%s/node", probe->found->url);
    }
    fetch_reply_done(&reply);
    if (code < 0)
        return code;
    memcpy(probe->found->origin, facts.origin, sizeof(facts.origin));
    memcpy(probe->found->version, facts.version, sizeof(facts.version));
    origin_hash(span_str(facts.origin), hash);
    hex_encode(hash, 32, probe->hex);
    return 0;
}

static int probe_checkpoint(struct probe *probe, struct buf *out, uint64_t *ret_size, struct err *err)
{
    char path[128];
    struct fetch_request request = {.body_max = NOTE_MAX};
    struct fetch_reply reply = {0};
    struct note note;
    struct checkpoint checkpoint = {0};
    snprintf(path, sizeof(path), "/logs/%s/checkpoint", probe->hex);
    int code = probe_get(probe->found->url, path, &request, &reply, err);
    if (code == 0) {
        buf_span(out, buf_view(&reply.body));
        code = note_parse(buf_view(out), &note, err);
        if (code == 0)
            code = checkpoint_parse(note.text, &checkpoint, err);
        if (code == 0 && (!span_is(checkpoint.origin, probe->found->origin) || checkpoint.size == 0))
            code = err_set(err, ERR_VERIFY, "its checkpoint is not one of %s", probe->found->origin);
        if (code < 0)
            err_in(err, "%s%s", probe->found->url, path);
        else
            *ret_size = checkpoint.size;
    }
    fetch_reply_done(&reply);
    return code;
}

/* Only as much of the first bundle as one entry can take. */
static int probe_entry0(struct probe *probe, uint64_t size, struct arena *arena, struct member *ret, struct err *err)
{
    char path[192], name[TILE_PATH_MAX];
    struct tile tile = {TILE_LEVEL_ENTRIES, 0, size < TILE_WIDTH ? (unsigned)size : TILE_WIDTH};
    struct fetch_request request = {.body_max = (size_t)BUNDLE_MAX, .has_range = true, .range_to = ENTRY_MAX + 1};
    struct fetch_reply reply = {0};
    struct reader reader;
    tile_path(&tile, name);
    snprintf(path, sizeof(path), "/logs/%s/%s", probe->hex, name);
    int code = probe_get(probe->found->url, path, &request, &reply, err);
    if (code == 0) {
        reader_init(&reader, buf_view(&reply.body));
        struct span entry = reader_bytes(&reader, reader_u16(&reader));
        code = reader_check(&reader, "first bundle", err);
        if (code == 0)
            code = member_begin(span_str(probe->found->origin), arena_copy(arena, entry), arena, ret, err);
        if (code < 0)
            err_in(err, "%s%s", probe->found->url, path);
    }
    fetch_reply_done(&reply);
    return code;
}

static int probe_heads(struct probe *probe, struct err *err)
{
    struct fetch_request request = {.body_max = HEADS_ANSWER_MAX};
    struct fetch_reply reply = {0};
    struct heads_reader reader;
    struct heads_line line;
    int code = probe_get(probe->found->url, "/heads", &request, &reply, err);
    if (code == 0) {
        heads_reader_init(&reader, buf_view(&reply.body));
        while ((code = heads_next(&reader, &line, err)) > 0)
            ;
        if (code < 0)
            err_in(err, "%s/heads", probe->found->url);
    }
    fetch_reply_done(&reply);
    if (code < 0)
        return code;
    probe->found->logs = reader.lines;
    probe->found->more_logs = reader.more;
    return 0;
}

static void fingerprint(const char *origin, char *out, size_t size)
{
    const char *hash = strrchr(origin, '/') + 1;
    size_t len = 0;
    for (size_t i = 0; hash[i] && len + 2 < size; i++) {
        if (i > 0 && i % 4 == 0)
            out[len++] = ' ';
        out[len++] = hash[i];
    }
    out[len] = '\0';
}

static int probe_member(struct probe *probe, struct arena *arena, struct err *err)
{
    struct peering_found *found = probe->found;
    struct member member;
    struct buf note_text;
    struct note note;
    struct checkpoint checkpoint;
    struct err unsigned_ = {0};
    buf_init(&note_text, NOTE_MAX);
    int code = probe_checkpoint(probe, &note_text, &found->size, err);
    if (code == 0)
        code = probe_entry0(probe, found->size, arena, &member, err);
    if (code == 0) {
        found->profile = member.profile;
        found->size_verified = note_parse(buf_view(&note_text), &note, &unsigned_) == 0 &&
                               checkpoint_parse(note.text, &checkpoint, &unsigned_) == 0 &&
                               member_verify_checkpoint(&member, &note, &checkpoint, &unsigned_) == 0;
    }
    buf_done(&note_text);
    return code;
}

int peering_probe(struct span url, struct peering_found *ret, struct err *err)
{
    struct probe probe = {.found = ret};
    struct arena arena;
    *ret = (struct peering_found){0};
    int code = peer_url_canonical(url, ret->url, err);
    if (code == 0)
        code = probe_node(&probe, err);
    if (code < 0)
        return code;
    fingerprint(ret->origin, ret->fingerprint, sizeof(ret->fingerprint));
    arena_init(&arena, PROBE_ARENA_MAX);
    code = probe_member(&probe, &arena, err);
    if (code == 0)
        code = probe_heads(&probe, err);
    arena_done(&arena);
    return code;
}
