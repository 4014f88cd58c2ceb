#include "cli/community.h"

#include "base/codec.h"
#include "base/json.h"
#include "state/author.h"

int community_session(struct invocation *inv, struct desk_session *desk, unsigned flags)
{
    unsigned open = SESSION_INDEX | ((flags & DESK_SIGN) ? SESSION_WRITE | SESSION_SIGN : 0);
    *desk = (struct desk_session){0};
    arena_init(&desk->arena, GOVERNANCE_ARENA_MAX);
    int status = session_open(inv, &desk->session, open, OUTLET_CLI_LOG);
    if (status || (flags & DESK_NOBODY))
        return status;
    status = session_author(inv, &desk->session, &desk->self);
    if (!status && desk->self.role == LOG_LOCAL) {
        err_set(&inv->err, ERR_REFUSED, "%s is a local log, of which others do not hear", desk->self.origin);
        status = cli_fail(inv);
    }
    return status;
}

void community_session_end(struct desk_session *desk)
{
    arena_done(&desk->arena);
    session_close(&desk->session);
}

int community_command(struct invocation *inv, int (*run)(struct invocation *inv, struct desk_session *desk))
{
    struct desk_session desk;
    int status = community_session(inv, &desk, DESK_SIGN);
    if (!status)
        status = run(inv, &desk);
    community_session_end(&desk);
    return status;
}

int community_look(struct invocation *inv, int (*what)(struct invocation *inv, struct desk_session *desk))
{
    struct desk_session desk;
    int status = community_session(inv, &desk, inv->arg_count > 0 ? DESK_NOBODY : 0);
    if (!status)
        status = what(inv, &desk);
    community_session_end(&desk);
    return status;
}

int community_walk_again(struct invocation *inv, struct desk_session *desk)
{
    struct community_source source = governance_source(desk->session.index);
    return community_walk(&source, desk->hash, &desk->arena, &desk->now, &inv->err) ? cli_fail(inv) : 0;
}

int community_read(struct invocation *inv, struct desk_session *desk, const char *text)
{
    int rc = text ? governance_find(&desk->session.view, span_str(text), desk->hash, &inv->err)
                  : governance_only(&desk->session.view, desk->self.origin, desk->hash, &inv->err);
    return rc ? cli_fail(inv) : community_walk_again(inv, desk);
}

int community_append(struct invocation *inv, struct desk_session *desk, const struct buf *texts, size_t count)
{
    struct author_item items[4] = {0};
    uint64_t first;
    for (size_t i = 0; i < count && i < 4; i++)
        items[i].text = buf_view(&texts[i]);
    if (author_append(desk->session.store, desk->self.number, items, count, cli_now_ms(), &first, &inv->err))
        return cli_fail(inv);
    return session_fold(inv, &desk->session);
}

int community_say(struct invocation *inv, struct desk_session *desk, const struct statement *statement)
{
    struct buf text;
    buf_init(&text, INLINE_MAX);
    int status = statement_write(statement, cli_now_ms(), &text, &inv->err) ? cli_fail(inv) : 0;
    if (!status)
        status = community_append(inv, desk, &text, 1);
    buf_done(&text);
    return status;
}

int community_member_named(struct invocation *inv, struct desk_session *desk, const char *text, const char **ret)
{
    struct log_info log = {0};
    if (origin_valid(span_str(text)))
        snprintf(log.origin, sizeof(log.origin), "%s", text);
    else if (view_log_find(&desk->session.view, span_str(text), &log, &inv->err))
        return cli_fail(inv);
    *ret = arena_strz(&desk->arena, span_str(log.origin));
    return *ret ? 0 : (err_memory(&inv->err), cli_fail(inv));
}

/* ---- endorsements ---- */

static int note_choice(void *ctx, const struct governance_endorsement *one, struct err *err)
{
    (void)err;
    if (one->effect)
        memcpy(ctx, one->roster, 32);
    return 0;
}

int community_refuse_second(struct invocation *inv, struct desk_session *desk, const uint8_t parent[32])
{
    uint8_t chosen[32] = {0}, none[32] = {0};
    char hex[65];
    if (governance_endorsements(&desk->session.view, parent, desk->self.origin, note_choice, chosen, &inv->err))
        return cli_fail(inv);
    if (memcmp(chosen, none, 32) == 0)
        return 0;
    hex_encode(chosen, 32, hex);
    err_set(&inv->err, ERR_EXISTS,
            "%s has endorsed %.*s under this parent: that is irrevocable, and a second one would be without effect",
            desk->self.origin, SHORT_HASH, hex);
    return cli_fail(inv);
}

struct statement community_endorsement(const uint8_t version[32], const uint8_t *parent)
{
    struct statement said = {.type = STATEMENT_ENDORSE, .has_parent = parent != NULL};
    memcpy(said.target, version, 32);
    if (parent)
        memcpy(said.parent, parent, 32);
    return said;
}

/* ---- output ---- */

void put_hash(FILE *out, const uint8_t hash[32])
{
    char hex[65];
    hex_encode(hash, 32, hex);
    fprintf(out, "%.*s", SHORT_HASH, hex);
}

void put_origin(FILE *out, const char *origin)
{
    char name[ORIGIN_MAX + 1];
    origin_short(span_str(origin), name);
    cli_put_text(out, span_str(name), ORIGIN_MAX);
}

void put_address(FILE *out, const char *address)
{
    struct span owner, name;
    char origin[ORIGIN_MAX + 1];
    bool is_group = group_address(span_str(address), &owner, &name);
    snprintf(origin, sizeof(origin), "%.*s", (int)strcspn(address, "#"), address);
    put_origin(out, origin);
    if (is_group)
        fprintf(out, "#%.*s", SPAN_ARGS(name));
}

void put_origins(FILE *out, const char *const *origins, size_t count)
{
    if (count == 0)
        fputs("nobody", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", out);
        put_origin(out, origins[i]);
    }
}

void json_hash(struct buf *out, const char *name, const uint8_t hash[32])
{
    buf_fmt(out, "\"%s\":\"", name);
    buf_hex(out, hash, 32);
    buf_byte(out, '"');
}

void json_origins(struct buf *out, const char *name, const char *const *origins, size_t count)
{
    buf_fmt(out, "\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        buf_str(out, i ? "," : "");
        buf_json_string(out, span_str(origins[i]));
    }
    buf_byte(out, ']');
}

void put_outlook(FILE *out, const struct community *community, const struct community_version *version)
{
    uint64_t lacking = version->needed > version->endorser_count ? version->needed - version->endorser_count : 0;
    fprintf(out, "endorsed by %zu of the %llu that it needs", version->endorser_count,
            (unsigned long long)version->needed);
    if (lacking == 0 || community->silent_count == 0)
        return;
    fprintf(out, "; %llu more of: ", (unsigned long long)lacking);
    put_origins(out, community->silent, community->silent_count);
}

void put_version(const struct desk_session *desk, const uint8_t hash[32])
{
    for (size_t i = 0; i < desk->now.version_count; i++) {
        const struct community_version *version = &desk->now.versions[i];
        if (memcmp(version->hash, hash, 32) != 0)
            continue;
        printf("version %llu ", (unsigned long long)version->number);
        put_hash(stdout, hash);
        printf(": %s, ", version_state_word(version->state));
        put_outlook(stdout, &desk->now, version);
        putchar('\n');
    }
}
