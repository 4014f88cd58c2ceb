/* tongzhou community list, charter: which communities there are, and what one agrees on. */
#include "base/codec.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/community.h"

#define FOUNDINGS_SHOWN 64 /* communities that are not founded yet */

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
    if (!status && governance_communities(&desk.session.view, 0, INT64_MAX, print_summary, &list, &inv->err))
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
    return community_look(inv, charter);
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
