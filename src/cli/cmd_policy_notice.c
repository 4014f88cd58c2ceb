/* tongzhou policy notice, counter, notices: somebody objects to a content, its author answers, and what waits for a person. */
#include "base/json.h"
#include "base/when.h"
#include "cli/audience.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "connect/publishing.h"
#include "moderation/moderation.h"

static const struct option say_options[] = {
    {"reason", "TEXT", "why: what is wrong with it, so that others can judge", ONCE},
    {"ground", "TEXT", "which law it breaks, or whose right", AT_MOST_ONCE},
    {"who", "TEXT", "the name of whoever says so", AT_MOST_ONCE},
    {"contact", "TEXT", "where an answer reaches them", AT_MOST_ONCE},
    {"good-faith", NULL, "state that all of this is believed to be accurate and complete; needed", ONCE},
    {"tlp", "T", "marking (default clear: for everybody, as the content's author)", AT_MOST_ONCE},
    {"to", "M", "for whom, with another marking", ANY_NUMBER},
    {"as", "MEMBER", "a member that lives here (default: the operator)", AT_MOST_ONCE},
    {"alone", NULL, "do not ask peers first whether they know more of our logs", AT_MOST_ONCE},
    {0},
};

static int take_word(struct invocation *inv, const char *option, const char *text, size_t max, char *out)
{
    if (strlen(text) > max || (text[0] && !record_value_valid(span_str(text))))
        return cli_usage(inv, "--%s: must be one line of at most %zu bytes", option, max);
    memcpy(out, text, strlen(text) + 1);
    return 0;
}

static int read_words(struct invocation *inv, struct complaint *c)
{
    if (!cli_flag(inv, "good-faith"))
        return cli_usage(inv, "--good-faith is needed: whoever objects states that it is accurate and complete");
    if (!cli_option(inv, "reason", "")[0])
        return cli_usage(inv, "--reason is needed: nobody can judge without");
    int status = take_word(inv, "reason", cli_option(inv, "reason", ""), COMPLAINT_WHY_MAX, c->why);
    if (!status)
        status = take_word(inv, "ground", cli_option(inv, "ground", ""), COMPLAINT_WORD_MAX, c->ground);
    if (!status)
        status = take_word(inv, "who", cli_option(inv, "who", ""), COMPLAINT_WORD_MAX, c->who);
    if (!status)
        status = take_word(inv, "contact", cli_option(inv, "contact", ""), COMPLAINT_WORD_MAX, c->contact);
    return status;
}

/* A counter-notice is its author's; of a local log nobody else hears. */
static int check_subject(struct invocation *inv, const struct complaint *c, const struct log_info *subject,
                         const struct log_info *author)
{
    if (subject->role == LOG_LOCAL) {
        err_set(&inv->err, ERR_REFUSED, "%s is a local log, of which others do not hear", subject->origin);
        return cli_fail(inv);
    }
    if (!c->is_counter || strcmp(c->origin, author->origin) == 0)
        return 0;
    err_set(&inv->err, ERR_REFUSED, "%s is not by %s: only its author can answer an objection against it (--as MEMBER)",
            inv->args[0], author->origin);
    return cli_fail(inv);
}

static int say(struct invocation *inv, struct session *session, struct complaint *c, enum tlp tlp,
               const struct log_info *author)
{
    struct buf text;
    static struct named_audience audience;
    uint64_t index = 0;
    int status = audience_resolve(inv, session, tlp, author, &audience);
    if (status)
        return status;
    struct complaint_draft draft = {
        .complaint = c, .time_ms = cli_now_ms(), .tlp = tlp, .to = audience.to, .to_count = audience.count};
    buf_init(&text, PAYLOAD_MAX);
    int rc = complaint_write(&draft, &text, &inv->err);
    if (!rc)
        rc = publishing_append(session->store, author, tlp, buf_view(&text), draft.time_ms, &index, &inv->err);
    buf_done(&text);
    if (rc)
        return cli_fail(inv);
    printf("%s/%llu\n", author->origin, (unsigned long long)index);
    audience_tell(session, &audience, author);
    return session_fold(inv, session);
}

static int run_say(struct invocation *inv, bool is_counter)
{
    struct session session;
    struct complaint c = {.is_counter = is_counter};
    struct log_info subject, author;
    const char *word = cli_option(inv, "tlp", "clear");
    enum tlp tlp = tlp_parse(span_str(word));
    if (tlp == TLP_NONE)
        return cli_usage(inv, "--tlp %s: must be clear, green, amber, amber+strict or red", word);
    int status = read_words(inv, &c);
    if (!status)
        status = audience_check(inv, tlp);
    if (status)
        return status;
    status = session_open(inv, &session, SESSION_WRITE | SESSION_INDEX | SESSION_SIGN, OUTLET_CLI_LOG);
    if (!status)
        status = session_record(inv, &session, inv->args[0], &subject, &c.index);
    if (!status)
        memcpy(c.origin, subject.origin, sizeof(c.origin));
    if (!status)
        status = session_author(inv, &session, &author);
    if (!status)
        status = check_subject(inv, &c, &subject, &author);
    if (!status)
        status = say(inv, &session, &c, tlp, &author);
    session_close(&session);
    return status;
}

static int run_notice(struct invocation *inv)
{
    return run_say(inv, false);
}

static int run_counter(struct invocation *inv)
{
    return run_say(inv, true);
}

const struct command cmd_policy_notice = {
    .name = "policy notice",
    .arguments = "MEMBER/INDEX",
    .summary = "Object to a content, as illegal or as infringing a right: a record that other nodes' people answer",
    .details =
        "Says where it is, why, on which ground and who says so, as article 16 of the EU's Digital Services Act asks\n"
        "for. It is a record of kind policy/notice; each node that carries it lists it under `policy notices`.\n",
    .options = say_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_notice,
};

const struct command cmd_policy_counter = {
    .name = "policy counter",
    .arguments = "MEMBER/INDEX",
    .summary = "Answer an objection or a refusal as the content's author: nodes are asked to take it in again",
    .options = say_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_counter,
};

/* ---- policy notices ---- */

static const struct option list_options[] = {
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

struct listing {
    bool json;
    size_t count;
};

static void put_field(struct buf *out, const char *name, const char *value)
{
    buf_fmt(out, ",\"%s\":", name);
    buf_json_string(out, span_str(value));
}

static void put_json(const struct open_complaint *one, const char *time)
{
    struct buf out;
    buf_init(&out, 32768);
    buf_fmt(&out, "{\"type\":\"%s\",\"subject\":\"%s/%llu\",\"time\":\"%s\",\"from\":",
            one->said->is_counter ? "counter" : "notice", one->subject_origin,
            (unsigned long long)RECORD_REF_INDEX(one->subject), time);
    if (one->origin)
        buf_fmt(&out, "\"%s/%llu\"", one->origin, (unsigned long long)RECORD_REF_INDEX(one->source));
    else
        buf_fmt(&out, "\"visitor %lld\"", (long long)-one->source);
    put_field(&out, "why", one->said->why);
    put_field(&out, "ground", one->said->ground);
    put_field(&out, "who", one->said->who);
    put_field(&out, "contact", one->said->contact);
    buf_str(&out, "}\n");
    fputs(buf_cstr(&out), stdout);
    buf_done(&out);
}

static void put_word(const char *label, const char *text)
{
    if (!text[0])
        return;
    printf("    %s: ", label);
    cli_put_text(stdout, span_str(text), COMPLAINT_WHY_MAX);
    putchar('\n');
}

static int put_one(void *ctx, const struct open_complaint *one, struct err *err)
{
    struct listing *l = ctx;
    char time[WHEN_TEXT_LEN + 1], name[ORIGIN_MAX + 1];
    (void)err;
    when_format(one->time_ms, time);
    l->count++;
    if (l->json) {
        put_json(one, time);
        return 0;
    }
    origin_short(span_str(one->subject_origin), name);
    printf("%.19s  %s/%llu  %s ", time, name, (unsigned long long)RECORD_REF_INDEX(one->subject),
           one->said->is_counter ? "counter-notice by" : "notice by");
    if (one->origin) {
        origin_short(span_str(one->origin), name);
        printf("%s/%llu: ", name, (unsigned long long)RECORD_REF_INDEX(one->source));
    } else {
        printf("visitor %lld: ", (long long)-one->source);
    }
    cli_put_text(stdout, span_str(one->said->why), COMPLAINT_WHY_MAX);
    putchar('\n');
    put_word("ground", one->said->ground);
    put_word("who", one->said->who);
    put_word("contact", one->said->contact);
    return 0;
}

static int run_notices(struct invocation *inv)
{
    struct session session;
    struct listing l = {.json = cli_flag(inv, "json")};
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status && queue_each(&session.view, 0, put_one, &l, &inv->err))
        status = cli_fail(inv);
    if (!status && l.count == 0 && !l.json)
        puts("nobody objects");
    session_close(&session);
    return status;
}

const struct command cmd_policy_notices = {
    .name = "policy notices",
    .arguments = "",
    .summary = "List objections to contents, of members and of visitors, that wait for an answer",
    .details = "`policy release` and `policy refuse` answer all that wait about a content; what lives here is kept by\n"
               "`policy release`, or taken back by `erase`, which answers them, too.\n",
    .options = list_options,
    .max_args = 0,
    .run = run_notices,
};

/* ---- policy rates ---- */

static const struct option rates_options[] = {
    {"by-language", NULL, "by language instead of origin", AT_MOST_ONCE},
    {"json", NULL, "a JSON object a line", AT_MOST_ONCE},
    {0},
};

static int put_rate(void *ctx, const struct rate *rate, struct err *err)
{
    struct listing *l = ctx;
    char name[ORIGIN_MAX + 1];
    (void)err;
    if (l->json) {
        struct buf out;
        buf_init(&out, 8192);
        buf_str(&out, "{\"name\":");
        buf_json_string(&out, span_str(rate->name));
        buf_fmt(&out, ",\"here\":%llu,\"held\":%llu,\"by_rule\":%llu,\"by_person\":%llu,\"refused_per_mille\":%u}\n",
                (unsigned long long)rate->here, (unsigned long long)rate->held, (unsigned long long)rate->by_rule,
                (unsigned long long)rate->by_person, rate_refused(rate));
        fputs(buf_cstr(&out), stdout);
        buf_done(&out);
        return 0;
    }
    if (l->count++ == 0)
        puts("refused     here     held  by rule  by person  ");
    origin_short(span_str(rate->name), name);
    printf("%5u.%u%% %8llu %8llu %8llu %10llu  ", rate_refused(rate) / 10, rate_refused(rate) % 10,
           (unsigned long long)rate->here, (unsigned long long)rate->held, (unsigned long long)rate->by_rule,
           (unsigned long long)rate->by_person);
    cli_put_text(stdout, rate->name[0] ? span_str(name) : SPAN_LIT("not stated"), ORIGIN_MAX);
    putchar('\n');
    return 0;
}

static int run_rates(struct invocation *inv)
{
    struct session session;
    struct listing l = {.json = cli_flag(inv, "json")};
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status && rates_each(&session.view, cli_flag(inv, "by-language"), put_rate, &l, &inv->err))
        status = cli_fail(inv);
    session_close(&session);
    return status;
}

const struct command cmd_policy_rates = {
    .name = "policy rates",
    .arguments = "",
    .summary = "Tell how much was refused, by rules and by persons, of each origin or language",
    .details = "What is never even fetched cannot be counted: `policy refused` lists whose contents that are.\n",
    .options = rates_options,
    .max_args = 0,
    .run = run_rates,
};
