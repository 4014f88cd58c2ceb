/* tongzhou community show: how a community stands. */
#include "base/codec.h"
#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/community.h"
#include "state/names.h"

#define PROPOSED_SHOWN 32 /* versions that nobody has endorsed yet */
#define IDLE_SHOWN 32     /* endorsements without effect */
#define JSON_OUT_MAX (64u << 20)

static const struct option json_options[] = {
    {"json", NULL, "for programs", AT_MOST_ONCE},
    {0},
};

/* ---- for people ---- */

/* "dns 2026-11-28" or "claimed". */
static void put_name_state(struct desk_session *desk, const char *origin)
{
    struct name_check check;
    struct err absent = {0};
    char text[WHEN_TEXT_LEN + 8] = "claimed", when[WHEN_TEXT_LEN + 1];
    if (name_check_get(desk->session.store, origin, &check, &absent) == 0 && check.method != NAME_NOWHERE) {
        when_format(check.checked_ms, when);
        snprintf(text, sizeof(text), "%s %.10s", name_method_word(check.method), when);
    }
    printf(" %-16s", text);
}

static void print_member(struct desk_session *desk, const struct community_member *member)
{
    static const char *const words[] = {[WORD_NONE] = "listed", [WORD_IN] = "belongs", [WORD_LEFT] = "left"};
    struct log_info log;
    struct err absent = {0};
    struct member profile = {0};
    char name[ORIGIN_MAX + 1];
    struct arena arena;
    arena_init(&arena, 1u << 20);
    bool known = store_log_by_origin(desk->session.store, span_str(member->origin), &log, &absent) == 0 &&
                 log.size > 0 && store_member(desk->session.store, log.number, &arena, &profile, &absent) == 0;
    origin_short(span_str(member->origin), name);
    cli_put_column(stdout, span_str(name), 34);
    printf(" %-17s ", member_class_word(member->class));
    cli_put_column(stdout, span_str(known && profile.profile.jurisdiction[0] ? profile.profile.jurisdiction : "-"), 6);
    put_name_state(desk, member->origin);
    printf(" %-8s %5llu  ", words[member->word], (unsigned long long)member->since);
    if (strcmp(member->operator, member->origin) == 0)
        fputs("itself", stdout);
    else
        put_origin(stdout, member->operator);
    puts(!known ? "  (its log is not here)" : log.standing == STANDING_FROZEN ? "  (its log is frozen)" : "");
    arena_done(&arena);
}

static void print_versions(const struct community *now)
{
    puts("\nVersions:");
    for (size_t i = 0; i < now->version_count; i++) {
        const struct community_version *version = &now->versions[i];
        printf("  %4llu  ", (unsigned long long)version->number);
        put_hash(stdout, version->hash);
        printf("  %s", version_state_word(version->state));
        if (version->state == VERSION_OPEN) {
            fputs(": ", stdout);
            put_outlook(stdout, now, version);
        } else if (version->endorser_count > 0) {
            printf(", endorsed by %zu of the %llu that it needs: ", version->endorser_count,
                   (unsigned long long)version->needed);
            put_origins(stdout, version->endorsers, version->endorser_count);
        }
        if (version->why) {
            fputs(": ", stdout);
            cli_put_text(stdout, span_str(version->why), 512);
        }
        putchar('\n');
    }
}

static int print_proposed(struct invocation *inv, struct desk_session *desk)
{
    uint8_t hashes[PROPOSED_SHOWN][32];
    size_t count;
    if (!desk->now.founded)
        return 0;
    if (governance_proposed(&desk->session.view, &desk->now, PROPOSED_SHOWN, hashes, &count, &inv->err))
        return cli_fail(inv);
    for (size_t i = 0; i < count; i++) {
        printf("  %4llu  ", (unsigned long long)desk->now.number + 1);
        put_hash(stdout, hashes[i]);
        puts("  proposed: endorsed by nobody whose endorsement counts");
    }
    return 0;
}

static int print_idle(void *ctx, const struct governance_endorsement *one, struct err *err)
{
    (void)ctx, (void)err;
    fputs("        ", stdout);
    put_origin(stdout, one->origin);
    fputs(" later endorsed ", stdout);
    put_hash(stdout, one->roster);
    puts(", too: without effect, its first endorsement under that parent counts");
    return 0;
}

static void put_day(int64_t ms)
{
    char text[WHEN_TEXT_LEN + 1];
    when_format(ms < 0 ? 0 : ms > WHEN_MAX_MS ? WHEN_MAX_MS : ms, text);
    printf("%.10s", text);
}

static void print_request(const struct desk_request *request)
{
    fputs("  ", stdout);
    put_origin(stdout, request->origin);
    fputs(" asked to join on ", stdout);
    put_day(request->time_ms);
    printf("; %llu of %llu operators vouch for it", (unsigned long long)request->voices,
           (unsigned long long)request->needed);
    if (request->sponsor_count > 0) {
        fputs(": ", stdout);
        put_origins(stdout, request->sponsors, request->sponsor_count);
    }
    if (!request->known)
        fputs("; its log is not here", stdout);
    else if (!request->operator_listed)
        fputs("; its operator is no member", stdout);
    if (request->message[0]) {
        fputs("; it says: ", stdout);
        cli_put_text(stdout, span_str(request->message), STATEMENT_MESSAGE_MAX);
    }
    putchar('\n');
}

static void print_waiting(const struct desk *waiting)
{
    if (waiting->request_count + waiting->departure_count > 0)
        puts("\nWaiting for a version:");
    for (size_t i = 0; i < waiting->request_count; i++)
        print_request(&waiting->requests[i]);
    for (size_t i = 0; i < waiting->departure_count; i++) {
        fputs("  ", stdout);
        put_origin(stdout, waiting->departures[i].origin);
        fputs(" left on ", stdout);
        put_day(waiting->departures[i].time_ms);
        fputs(waiting->departures[i].due ? "; its notice is over" : "; notice until ", stdout);
        if (!waiting->departures[i].due)
            put_day(waiting->departures[i].until_ms);
        if (waiting->departures[i].message[0]) {
            fputs("; it says: ", stdout);
            cli_put_text(stdout, span_str(waiting->departures[i].message), STATEMENT_MESSAGE_MAX);
        }
        putchar('\n');
    }
}

static void print_head(const struct desk_session *desk, const uint8_t digest[32], const uint8_t cut[32])
{
    const struct community *now = &desk->now;
    cli_put_text(stdout, span_str(now->charter ? now->charter->name : "(its texts are not here)"), CHARTER_NAME_MAX);
    fputs("  ", stdout);
    put_hash(stdout, now->hash);
    putchar('\n');
    if (now->has_refounds) {
        fputs("  founded anew, leaving version ", stdout);
        put_hash(stdout, now->refounds);
        putchar('\n');
    }
    if (!now->founded) {
        fputs("  not founded yet: version 1 is ", stdout);
        put_outlook(stdout, now, &now->versions[0]);
        putchar('\n');
    } else {
        printf("  version %llu in force; %zu listed, %zu operators; a version needs %llu endorsements (quorum %llu)\n",
               (unsigned long long)now->number, now->member_count, now->operator_count, (unsigned long long)now->needed,
               (unsigned long long)now->quorum);
    }
    fputs("  roster ", stdout);
    put_hash(stdout, digest);
    fputs(" as of cut ", stdout);
    put_hash(stdout, cut);
    putchar('\n');
    if (now->stuck)
        puts("  STUCK: so many operators chose different versions that none can come into force any more.\n"
             "  What helps: one of you runs `tongzhou community refound`, and each ratifies that singly.");
}

static int print_people(struct invocation *inv, struct desk_session *desk, const uint8_t digest[32],
                        const uint8_t cut[32])
{
    struct desk waiting;
    if (desk_read(&desk->session.view, &desk->now, cli_now_ms(), &desk->arena, &waiting, &inv->err))
        return cli_fail(inv);
    print_head(desk, digest, cut);
    printf("\n%-34s %-17s %-6s %-16s %-8s %5s  %s\n", "MEMBER", "CLASS", "WHERE", "NAME", "STANDING", "SINCE",
           "OPERATED BY");
    for (size_t i = 0; i < desk->now.member_count; i++)
        print_member(desk, &desk->now.members[i]);
    print_versions(&desk->now);
    int status = print_proposed(inv, desk);
    if (!status && governance_idle(&desk->session.view, desk->hash, IDLE_SHOWN, print_idle, NULL, &inv->err))
        status = cli_fail(inv);
    if (!status)
        print_waiting(&waiting);
    return status;
}

/* ---- for programs ---- */

static void json_versions(struct buf *out, const struct community *now)
{
    buf_str(out, ",\"versions\":[");
    for (size_t i = 0; i < now->version_count; i++) {
        const struct community_version *version = &now->versions[i];
        buf_str(out, i ? ",{" : "{");
        json_hash(out, "hash", version->hash);
        buf_fmt(out, ",\"version\":%llu,\"state\":\"%s\",\"needed\":%llu,", (unsigned long long)version->number,
                version_state_word(version->state), (unsigned long long)version->needed);
        json_origins(out, "endorsed_by", version->endorsers, version->endorser_count);
        if (version->why) {
            buf_str(out, ",\"why\":");
            buf_json_string(out, span_str(version->why));
        }
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
}

static void json_members(struct buf *out, struct desk_session *desk, const struct community *now)
{
    static const char *const words[] = {[WORD_NONE] = "listed", [WORD_IN] = "in", [WORD_LEFT] = "left"};
    buf_str(out, ",\"members\":[");
    for (size_t i = 0; i < now->member_count; i++) {
        const struct community_member *member = &now->members[i];
        buf_str(out, i ? ",{\"origin\":" : "{\"origin\":");
        buf_json_string(out, span_str(member->origin));
        buf_str(out, ",\"operator\":");
        buf_json_string(out, span_str(member->operator));
        struct name_check check = {.method = NAME_NOWHERE};
        struct err absent = {0};
        (void)name_check_get(desk->session.store, member->origin, &check, &absent);
        buf_fmt(out, ",\"class\":\"%s\",\"word\":\"%s\",\"since\":%llu,\"name\":\"%s\"}",
                member_class_word(member->class), words[member->word], (unsigned long long)member->since,
                name_method_word(check.method));
    }
    buf_byte(out, ']');
}

static void json_waiting(struct buf *out, const struct desk *waiting)
{
    buf_str(out, ",\"requests\":[");
    for (size_t i = 0; i < waiting->request_count; i++) {
        const struct desk_request *request = &waiting->requests[i];
        buf_str(out, i ? ",{\"origin\":" : "{\"origin\":");
        buf_json_string(out, span_str(request->origin));
        buf_byte(out, ',');
        json_origins(out, "sponsors", request->sponsors, request->sponsor_count);
        buf_fmt(out, ",\"needed\":%llu,\"ready\":%s}", (unsigned long long)request->needed,
                desk_ready(request) ? "true" : "false");
    }
    buf_str(out, "],\"departures\":[");
    for (size_t i = 0; i < waiting->departure_count; i++) {
        buf_str(out, i ? ",{\"origin\":" : "{\"origin\":");
        buf_json_string(out, span_str(waiting->departures[i].origin));
        buf_fmt(out, ",\"notice_over\":%s}", waiting->departures[i].due ? "true" : "false");
    }
    buf_byte(out, ']');
}

static int json_idle(void *ctx, const struct governance_endorsement *one, struct err *err)
{
    struct buf *out = ctx;
    (void)err;
    buf_str(out, out->data[out->len - 1] == '[' ? "{" : ",{");
    json_hash(out, "hash", one->roster);
    buf_str(out, ",\"origin\":");
    buf_json_string(out, span_str(one->origin));
    buf_byte(out, '}');
    return 0;
}

static int print_json(struct invocation *inv, struct desk_session *desk, const uint8_t digest[32],
                      const uint8_t cut[32])
{
    const struct community *now = &desk->now;
    struct desk waiting;
    struct buf out;
    if (desk_read(&desk->session.view, now, cli_now_ms(), &desk->arena, &waiting, &inv->err))
        return cli_fail(inv);
    buf_init(&out, JSON_OUT_MAX);
    buf_byte(&out, '{');
    json_hash(&out, "community", now->hash);
    buf_str(&out, ",\"name\":");
    buf_json_string(&out, span_str(now->charter ? now->charter->name : ""));
    buf_fmt(&out, ",\"version\":%llu,", now->founded ? (unsigned long long)now->number : 0);
    json_hash(&out, "tip", now->tip);
    buf_byte(&out, ',');
    json_hash(&out, "digest", digest);
    buf_byte(&out, ',');
    json_hash(&out, "cut", cut);
    buf_fmt(&out, ",\"operators\":%zu,\"quorum\":%llu,\"needed\":%llu,\"stuck\":%s", now->operator_count,
            (unsigned long long)now->quorum, (unsigned long long)now->needed, now->stuck ? "true" : "false");
    json_members(&out, desk, now);
    json_versions(&out, now);
    buf_byte(&out, ',');
    json_origins(&out, "silent", now->silent, now->silent_count);
    json_waiting(&out, &waiting);
    buf_str(&out, ",\"without_effect\":[");
    int rc = governance_idle(&desk->session.view, desk->hash, IDLE_SHOWN, json_idle, &out, &inv->err);
    buf_str(&out, "]}\n");
    if (!rc)
        rc = buf_check(&out, "community", &inv->err);
    if (!rc)
        fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    return rc ? cli_fail(inv) : 0;
}

static int show(struct invocation *inv, struct desk_session *desk)
{
    uint8_t digest[32], cut[32];
    int status = community_read(inv, desk, inv->arg_count > 0 ? inv->args[0] : NULL);
    if (status)
        return status;
    community_digest(&desk->now, digest);
    if (governance_cut(&desk->session.view, &desk->now, cut, &inv->err))
        return cli_fail(inv);
    return cli_flag(inv, "json") ? print_json(inv, desk, digest, cut) : print_people(inv, desk, digest, cut);
}

static int run_show(struct invocation *inv)
{
    return community_look(inv, show);
}

const struct command cmd_community_show = {
    .name = "community show",
    .arguments = "[COMMUNITY]",
    .summary = "A community's roster, what is in force, what is open and what would decide it",
    .details =
        "COMMUNITY is a name, or 8 or more of the first digits of its hash; without one the community to which we\n"
        "belong. Nodes that have read the same logs (the same cut) print the same roster digest. STANDING: belongs,\n"
        "listed (it has not said so itself) or left. SINCE is the version that added the line. NAME: claimed, or by\n"
        "what it was verified and when (`community verify`).\n",
    .options = json_options,
    .max_args = 1,
    .run = run_show,
};
