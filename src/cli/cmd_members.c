/* tongzhou members: whose logs are here, and how they stand. */
#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/session.h"

static const struct option options[] = {
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

struct listing {
    struct invocation *inv;
    struct session *session;
    struct buf line;
    bool json;
};

static const char *log_role_word(const struct log_info *log)
{
    switch (log->role) {
    case LOG_OWN:
        return log->is_operator ? "operator" : "hosted";
    case LOG_LOCAL:
        return "local";
    case LOG_MIRROR:
        return log->mode == MODE_FULL ? "mirrored" : log->mode == MODE_RECENT ? "recent" : "heads";
    case LOG_LISTED:
        return "listed";
    case LOG_MOVED:
        return "moved";
    }
    return "?";
}

static const char *standing_word(const struct log_info *log)
{
    return log->standing == STANDING_FROZEN ? "frozen" : log->standing == STANDING_SUSPENDED ? "suspended" : "good";
}

static int count_cosignature(void *ctx, struct span name, uint32_t key_id, uint64_t time, struct span line,
                             struct err *err)
{
    (void)name, (void)key_id, (void)time, (void)line, (void)err;
    ++*(unsigned *)ctx;
    return 0;
}

/* For other verifiers: every log key in order, and the key of its cosignatures. */
static int add_vkeys(struct buf *line, const struct member *member, struct err *err)
{
    struct note_key key;
    char vkey[VKEY_MAX + 1];
    int rc = 0;
    buf_str(line, ",\"vkeys\":[");
    for (size_t i = 0; i < member->key_count && !rc; i++) {
        rc = note_key_make(&key, span_str(member->origin), NOTE_ED25519, member->keys[i].public_key, err);
        if (rc)
            break;
        note_vkey_format(&key, vkey);
        buf_str(line, i ? "," : "");
        buf_json_string(line, span_str(vkey));
    }
    if (!rc)
        rc = member_cosigner(member, &key, err);
    if (rc)
        return rc;
    note_vkey_format(&key, vkey);
    buf_str(line, "],\"cosigner_vkey\":");
    buf_json_string(line, span_str(vkey));
    return 0;
}

static int print_json(struct listing *list, const struct log_info *log, const struct member *member,
                      unsigned cosignatures, struct err *err)
{
    struct buf *line = &list->line;
    buf_clear(line);
    buf_str(line, "{\"origin\":");
    buf_json_string(line, span_str(log->origin));
    buf_fmt(line,
            ",\"role\":\"%s\",\"standing\":\"%s\",\"size\":%llu,\"payloads\":%llu,\"bytes\":%llu,\"cosignatures\":%u",
            log_role_word(log), standing_word(log), (unsigned long long)log->size, (unsigned long long)log->payloads,
            (unsigned long long)log->bytes, cosignatures);
    if (member) {
        buf_fmt(line, ",\"class\":\"%s\",\"jurisdiction\":", member_class_word(member->profile.class));
        buf_json_string(line, span_str(member->profile.jurisdiction));
        buf_fmt(line, ",\"keys\":%zu", member->key_count);
        int rc = add_vkeys(line, member, err);
        if (rc)
            return rc;
    }
    buf_str(line, "}\n");
    fwrite(line->data, 1, line->len, stdout);
    return buf_check(line, "line", err);
}

static void print_row(const struct log_info *log, const struct member *member, unsigned cosignatures)
{
    char name[ORIGIN_MAX + 1], head[WHEN_TEXT_LEN + 1] = "never";
    origin_short(span_str(log->origin), name);
    if (log->head_ms > 0)
        when_format(log->head_ms, head);
    cli_put_column(stdout, span_str(name), 34);
    printf(" %-9s %-17s %9llu %10llu  %-9s %2u  %.19s\n", log_role_word(log),
           member ? member_class_word(member->profile.class) : "-", (unsigned long long)log->size,
           (unsigned long long)log->payloads, standing_word(log), cosignatures, head);
}

static int each(void *ctx, const struct log_info *log, struct err *err)
{
    struct listing *list = ctx;
    struct member member;
    unsigned cosignatures = 0;
    arena_clear(&list->session->arena);
    bool known =
        log->size > 0 && store_member(list->session->store, log->number, &list->session->arena, &member, err) == 0;
    if (store_cosignatures(list->session->store, log->number, count_cosignature, &cosignatures, err))
        return err->code;
    if (list->json)
        return print_json(list, log, known ? &member : NULL, cosignatures, err);
    print_row(log, known ? &member : NULL, cosignatures);
    return 0;
}

static int run(struct invocation *inv)
{
    struct session session;
    struct listing list = {.inv = inv, .session = &session, .json = cli_flag(inv, "json")};
    int status = session_open(inv, &session, 0, OUTLET_CLI_LOG);
    if (!status) {
        buf_init(&list.line, 1 << 20);
        if (!list.json)
            printf("%-34s %-9s %-17s %9s %10s  %-9s %2s  %s\n", "MEMBER", "HERE", "CLASS", "ENTRIES", "CONTENTS",
                   "STANDING", "CO", "LAST CHANGE (UTC)");
        if (view_logs(&session.view, each, &list, &inv->err))
            status = cli_fail(inv);
        buf_done(&list.line);
    }
    session_close(&session);
    return status;
}

const struct command cmd_members = {
    .name = "members",
    .arguments = "",
    .summary = "List the members whose logs are here",
    .details = "HERE: operator, hosted (lives on this node), mirrored (all contents), recent, heads (proofs only),\n"
               "listed (announced, above its peer's quota), moved (has left this node), local (never served). CO: "
               "cosignatures\n"
               "of the head.\n",
    .options = options,
    .max_args = 0,
    .run = run,
};
