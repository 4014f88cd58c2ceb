/* tongzhou community list, show, charter: how communities stand. */
#include "base/codec.h"
#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/community.h"

#define PROPOSED_SHOWN 32  /* versions that nobody has endorsed yet */
#define IDLE_SHOWN 32      /* endorsements without effect */
#define FOUNDINGS_SHOWN 64 /* communities that are not founded yet */
#define JSON_OUT_MAX (64u << 20)

static const struct option json_options[] = {
    {"json", NULL, "for programs", AT_MOST_ONCE},
    {0},
};

/* ---- list ---- */

struct listing {
    bool json;
    size_t count;
};

static int print_summary(void *ctx, const struct governance_summary *one, struct err *err)
{
    struct listing *list = ctx;
    (void)err;
    if (list->json) {
        struct buf line;
        buf_init(&line, 4096);
        buf_byte(&line, '{');
        json_hash(&line, "community", one->hash);
        buf_str(&line, ",\"name\":");
        buf_json_string(&line, span_str(one->name));
        buf_fmt(&line, ",\"version\":%llu,\"members\":%llu,\"belonging\":%llu}\n", (unsigned long long)one->number,
                (unsigned long long)one->members, (unsigned long long)one->belonging);
        fwrite(line.data, 1, line.len, stdout);
        buf_done(&line);
    } else {
        put_hash(stdout, one->hash);
        fputs("  ", stdout);
        cli_put_column(stdout, span_str(one->name), 32);
        printf(" version %llu, %llu listed, %llu belong\n", (unsigned long long)one->number,
               (unsigned long long)one->members, (unsigned long long)one->belonging);
    }
    list->count++;
    return 0;
}

static int list_foundings(struct invocation *inv, struct desk_session *desk, struct listing *list)
{
    uint8_t hashes[FOUNDINGS_SHOWN][32];
    size_t count;
    if (governance_foundings(&desk->session.view, FOUNDINGS_SHOWN, hashes, &count, &inv->err))
        return cli_fail(inv);
    for (size_t i = 0; i < count; i++) {
        memcpy(desk->hash, hashes[i], 32);
        int status = community_walk_again(inv, desk);
        if (status)
            return status;
        const struct community_version *version = &desk->now.versions[0];
        if (list->json) {
            char hex[65];
            hex_encode(hashes[i], 32, hex);
            printf("{\"community\":\"%s\",\"version\":0,\"endorsements\":%zu,\"needed\":%llu}\n", hex,
                   version->endorser_count, (unsigned long long)version->needed);
        } else {
            put_hash(stdout, hashes[i]);
            fputs("  ", stdout);
            cli_put_column(stdout, span_str(desk->now.charter ? desk->now.charter->name : "?"), 32);
            printf(" not founded yet: %s, ", version_state_word(version->state));
            put_outlook(stdout, &desk->now, version);
            putchar('\n');
        }
        list->count++;
    }
    return 0;
}

static int run_list(struct invocation *inv)
{
    struct desk_session desk;
    struct listing list = {.json = cli_flag(inv, "json")};
    int status = community_session(inv, &desk, DESK_NOBODY);
    if (!status && governance_communities(&desk.session.view, print_summary, &list, &inv->err))
        status = cli_fail(inv);
    if (!status)
        status = list_foundings(inv, &desk, &list);
    if (!status && list.count == 0 && !list.json)
        puts("no community yet: tongzhou community found NAME");
    community_session_end(&desk);
    return status;
}

const struct command cmd_community_list = {
    .name = "community list",
    .arguments = "",
    .summary = "List the communities that are known here",
    .options = json_options,
    .max_args = 0,
    .run = run_list,
};

/* ---- show, for people ---- */

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
    printf("\n%-34s %-17s %-6s %-8s %5s  %s\n", "MEMBER", "CLASS", "WHERE", "STANDING", "SINCE", "OPERATED BY");
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

/* ---- show, for programs ---- */

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

static void json_members(struct buf *out, const struct community *now)
{
    static const char *const words[] = {[WORD_NONE] = "listed", [WORD_IN] = "in", [WORD_LEFT] = "left"};
    buf_str(out, ",\"members\":[");
    for (size_t i = 0; i < now->member_count; i++) {
        const struct community_member *member = &now->members[i];
        buf_str(out, i ? ",{\"origin\":" : "{\"origin\":");
        buf_json_string(out, span_str(member->origin));
        buf_str(out, ",\"operator\":");
        buf_json_string(out, span_str(member->operator));
        buf_fmt(out, ",\"class\":\"%s\",\"word\":\"%s\",\"since\":%llu}", member_class_word(member->class),
                words[member->word], (unsigned long long)member->since);
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
    json_members(&out, now);
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

/* Without an argument the operator's community is meant; with one there need be no operator. */
static int run_on(struct invocation *inv, int (*what)(struct invocation *inv, struct desk_session *desk))
{
    struct desk_session desk;
    int status = community_session(inv, &desk, inv->arg_count > 0 ? DESK_NOBODY : 0);
    if (!status)
        status = what(inv, &desk);
    community_session_end(&desk);
    return status;
}

static int run_show(struct invocation *inv)
{
    return run_on(inv, show);
}

const struct command cmd_community_show = {
    .name = "community show",
    .arguments = "[COMMUNITY]",
    .summary = "A community's roster, what is in force, what is open and what would decide it",
    .details =
        "COMMUNITY is a name, or 8 or more of the first digits of its hash; without one the community to which we\n"
        "belong. Nodes that have read the same logs (the same cut) print the same roster digest. STANDING: belongs,\n"
        "listed (it has not said so itself) or left. SINCE is the version that added the line.\n",
    .options = json_options,
    .max_args = 1,
    .run = run_show,
};

/* ---- charter ---- */

static void print_charter(const struct charter *charter)
{
    cli_put_text(stdout, span_str(charter->name), CHARTER_NAME_MAX);
    for (size_t i = 0; i < charter->article_count; i++) {
        const struct charter_article *article = &charter->articles[i];
        printf("\n\n%zu. ", i + 1);
        cli_put_text(stdout, span_str(article->title), CHARTER_LINE_MAX);
        for (struct span rest = span_str(article->text); rest.len > 0;) {
            size_t end = span_find(rest, '\n');
            fputs("\n   ", stdout);
            cli_put_text(stdout, span_sub(rest, 0, end), CHARTER_TEXT_MAX);
            rest = span_sub(rest, end + 1, rest.len);
        }
        if (article->measure) {
            fputs("\n   Measured by: ", stdout);
            cli_put_text(stdout, span_str(article->measure), CHARTER_LINE_MAX);
        }
    }
    printf("\n\nA version needs %llu endorsements or the quorum, whichever is more; %llu operators vouch for whoever "
           "joins;\n"
           "whoever leaves is taken off the roster after %llu days.\n",
           (unsigned long long)charter->endorsements, (unsigned long long)charter->sponsors,
           (unsigned long long)charter->notice_days);
}

/* The body alone: what --charter FILE reads. */
static int print_charter_body(struct invocation *inv, struct desk_session *desk)
{
    struct buf text;
    struct record record;
    buf_init(&text, INLINE_MAX);
    int rc = charter_write(desk->now.charter, 0, &text, &inv->err);
    if (!rc)
        rc = record_parse(buf_view(&text), &desk->arena, &record, &inv->err);
    if (!rc)
        fwrite(record.body.data, 1, record.body.len, stdout);
    buf_done(&text);
    return rc ? cli_fail(inv) : 0;
}

static int charter(struct invocation *inv, struct desk_session *desk)
{
    int status = community_read(inv, desk, inv->arg_count > 0 ? inv->args[0] : NULL);
    if (status)
        return status;
    if (!desk->now.charter) {
        err_set(&inv->err, ERR_NOTFOUND, "its charter's text is not here");
        return cli_fail(inv);
    }
    if (cli_flag(inv, "json"))
        return print_charter_body(inv, desk);
    print_charter(desk->now.charter);
    return 0;
}

static int run_charter(struct invocation *inv)
{
    return run_on(inv, charter);
}

const struct command cmd_community_charter = {
    .name = "community charter",
    .arguments = "[COMMUNITY]",
    .summary = "What a community agrees on",
    .details = "With --json it prints what --charter FILE of `community found` and `community propose` reads.\n",
    .options = json_options,
    .max_args = 1,
    .run = run_charter,
};
