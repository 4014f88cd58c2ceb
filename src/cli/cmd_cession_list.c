/* tongzhou cession list: which powers are lent, to whom, for what and how long. */
#include "base/json.h"
#include "base/when.h"
#include "cli/cessions.h"
#include "cli/commands.h"

static const struct option options[] = {
    {"all", NULL, "of all members, not only those given by or to members that live here", AT_MOST_ONCE},
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

void put_cession_state(FILE *out, const struct governance_cession *c)
{
    char from[WHEN_TEXT_LEN + 1], until[WHEN_TEXT_LEN + 1], revoked[WHEN_TEXT_LEN + 1];
    when_format(c->from_ms, from);
    when_format(c->until_ms, until);
    when_format(c->revoked ? c->revoked_ms : 0, revoked);
    switch (c->state) {
    case CESSION_HOLDS:
        fprintf(out, "active until %.16s", until);
        break;
    case CESSION_COMING:
        fprintf(out, "from %.16s to %.16s", from, until);
        break;
    case CESSION_EXPIRED:
        fprintf(out, "expired %.16s", until);
        break;
    case CESSION_REVOKED:
        fprintf(out, "revoked %.16s%s", revoked, c->because[0] ? ": " : "");
        cli_put_text(out, span_str(c->because), CESSION_LINE_MAX);
        break;
    case CESSION_STRANGE:
        fputs("without effect: this version knows no such power", out);
        break;
    case CESSION_EMPTY:
        fputs("without effect: who cedes it does not have it", out);
        break;
    }
}

struct listing {
    struct desk_session *desk;
    bool all, json;
    size_t count;
    const char *own[256]; /* members that live here */
    size_t own_count;
};

static int add_own(void *ctx, const struct log_info *log, struct err *err)
{
    struct listing *l = ctx;
    if (log->role != LOG_OWN || l->own_count == sizeof(l->own) / sizeof(l->own[0]))
        return 0;
    l->own[l->own_count] = arena_strz(&l->desk->arena, span_str(log->origin));
    return l->own[l->own_count++] ? 0 : err_memory(err);
}

static bool is_ours(const struct listing *l, const struct governance_cession *c)
{
    for (size_t i = 0; i < l->own_count; i++)
        if (strcmp(l->own[i], c->origin) == 0 ||
            cession_is_for(&l->desk->session.view, &c->said, l->own[i], cli_now_ms()))
            return true;
    return false;
}

/* ---- JSON ---- */

static void put_json_text(struct buf *out, const char *name, const char *text)
{
    if (!text[0])
        return;
    buf_fmt(out, ",\"%s\":", name);
    buf_json_string(out, span_str(text));
}

static void put_json_time(struct buf *out, const char *name, int64_t time_ms)
{
    char text[WHEN_TEXT_LEN + 1];
    when_format(time_ms, text);
    put_json_text(out, name, text);
}

static void put_json(const struct governance_cession *c, uint64_t decided)
{
    struct buf out;
    buf_init(&out, 262144);
    buf_fmt(&out, "{\"cession\":\"%s/%llu\"", c->origin, (unsigned long long)RECORD_REF_INDEX(c->ref));
    put_json_text(&out, "origin", c->origin);
    put_json_text(&out, "power", c->said.word);
    put_json_text(&out, "to", c->said.to);
    put_json_time(&out, "from", c->from_ms);
    put_json_time(&out, "until", c->until_ms);
    put_json_text(&out, "state", cession_state_word(c->state));
    put_json_text(&out, "group", c->said.group);
    buf_byte(&out, ',');
    json_origins(&out, "kinds", c->said.kinds, c->said.kind_count);
    buf_byte(&out, ',');
    json_origins(&out, "members", c->said.members, c->said.member_count);
    put_json_text(&out, "about", c->said.about);
    if (c->revoked)
        put_json_time(&out, "revoked", c->revoked_ms);
    put_json_text(&out, "because", c->because);
    if (c->said.power == POWER_MODERATE)
        buf_fmt(&out, ",\"decisions\":%llu", (unsigned long long)decided);
    buf_str(&out, "}\n");
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}

/* ---- lines ---- */

static void put_kind(FILE *out, const char *kind)
{
    fputs(kind, out);
}

static void put_words(const char *what, const char *const *words, size_t count, void (*put)(FILE *out, const char *))
{
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : what, stdout);
        put(stdout, words[i]);
    }
}

static void put_line(const struct governance_cession *c, uint64_t decided)
{
    put_origin(stdout, c->origin);
    printf("/%llu  %s", (unsigned long long)RECORD_REF_INDEX(c->ref), c->said.word);
    if (c->said.group[0])
        printf(" to #%s", c->said.group);
    put_words(" of kind ", c->said.kinds, c->said.kind_count, put_kind);
    put_words(" by ", c->said.members, c->said.member_count, put_address);
    fputs(", ceded to ", stdout);
    put_address(stdout, c->said.to);
    fputs(", ", stdout);
    put_cession_state(stdout, c);
    if (decided) {
        fputs("; by it ", stdout);
        cli_put_counted(stdout, decided, "decision stands", "decisions stand");
    }
    if (c->said.about[0]) {
        fputs("  (", stdout);
        cli_put_text(stdout, span_str(c->said.about), CESSION_LINE_MAX);
        putchar(')');
    }
    putchar('\n');
}

static int put_one(void *ctx, const struct governance_cession *c, struct err *err)
{
    struct listing *l = ctx;
    uint64_t decided = 0;
    if (!l->all && !is_ours(l, c))
        return 0;
    int rc = decision_by_cession(l->desk->session.store, c->ref, &decided, err);
    if (rc < 0)
        return rc;
    l->count++;
    if (l->json)
        put_json(c, decided);
    else
        put_line(c, decided);
    return 0;
}

static int run(struct invocation *inv)
{
    struct desk_session desk;
    struct listing l = {.desk = &desk, .all = cli_flag(inv, "all"), .json = cli_flag(inv, "json")};
    int status = community_session(inv, &desk, DESK_NOBODY);
    if (!status && (store_logs(desk.session.store, add_own, &l, &inv->err) ||
                    cessions_each(&desk.session.view, 0, cli_now_ms(), put_one, &l, &inv->err)))
        status = cli_fail(inv);
    if (!status && l.count == 0 && !l.json)
        puts("no power is ceded by or to a member that lives here");
    community_session_end(&desk);
    return status;
}

const struct command cmd_cession_list = {
    .name = "cession list",
    .arguments = "",
    .summary = "List the powers that were ceded, to whom, for what and how long",
    .options = options,
    .max_args = 0,
    .run = run,
};
