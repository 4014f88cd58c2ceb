/* tongzhou tell: who is told outside of this node what the inbox tells. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/session.h"
#include "http/header.h"
#include "state/secret.h"
#include "state/users.h"
#include "tell/target.h"
#include "tell/tell.h"

#define HOUR_S 3600
#define DAY_S 86400
#define MEMBER_ARENA_MAX (16u << 20)

/* Who tells whom something outside stands in the trail, as who may sign in does. */
static int note(struct invocation *inv, struct session *session, const char *target)
{
    char who[128], result[TELLER_SHOWN_MAX + 16];
    session_who(who, sizeof(who));
    snprintf(result, sizeof(result), AUDIT_DONE ": %s", target);
    struct audit_entry entry = {cli_now_ms(), who, "command line", inv->command->name, result};
    return audit_add(session->store, &entry, &inv->err) ? cli_fail(inv) : 0;
}

static int read_ca(struct invocation *inv, struct buf *out)
{
    const char *path = cli_option(inv, "ca", NULL);
    if (!path)
        return 0;
    if (input_slurp(path, TELLER_CA_MAX, out, &inv->err))
        return cli_fail(inv);
    if (span_search(buf_view(out), SPAN_LIT("-----BEGIN CERTIFICATE-----")) == out->len)
        return cli_usage(inv, "--ca %s: no certificate in PEM", path);
    return 0;
}

/* ---- add ---- */

static const struct option add_options[] = {
    {"role", "R", "told what this role sees: reader, analyst, publisher or administrator (or --user)", AT_MOST_ONCE},
    {"topic", "T,...", "only these topics (default: all)", AT_MOST_ONCE},
    {"full", NULL, "also the sentence, with what others said; without: topic, member and record alone", AT_MOST_ONCE},
    {"inside", NULL, "the address may be of this machine or a private network", AT_MOST_ONCE},
    {"ca", "FILE", "trust these certificates there, PEM, instead of this machine's", AT_MOST_ONCE},
    {"secret", "FILE", "hooks: send its line along as Authorization: Bearer, for who does not check signatures",
     AT_MOST_ONCE},
    {"user", "NAME", "mail: told what this user's role sees and it has not read in the inbox", AT_MOST_ONCE},
    {"every", "hour|day", "mail: how often at most (default day: at 6:00 UTC)", AT_MOST_ONCE},
    {"lang", "L", "mail: en or zh-Hans (default: the node's)", AT_MOST_ONCE},
    {0},
};

/* Which options go with which kind. */
static int check_kind(struct invocation *inv, const struct teller *t, const struct target *target)
{
    static const char *const of_mail[] = {"user", "every", "lang"};
    for (size_t i = 0; i < sizeof(of_mail) / sizeof(*of_mail); i++)
        if (t->kind != TELLER_MAIL && cli_option(inv, of_mail[i], NULL))
            return cli_usage(inv, "--%s is for mail", of_mail[i]);
    if (t->kind != TELLER_HOOK && cli_option(inv, "secret", NULL))
        return cli_usage(inv, "--secret is for hooks");
    if (target->way != TARGET_HTTP && target->way != TARGET_TLS && cli_option(inv, "ca", NULL))
        return cli_usage(inv, "--ca is for https:// and tls:// (of mail: `tongzhou tell mail --ca`)");
    if (t->kind == TELLER_MAIL && t->inside)
        return cli_usage(inv, "--inside: mail goes where `tongzhou tell mail` says");
    return 0;
}

static int read_whom(struct invocation *inv, struct teller *t)
{
    const char *role = cli_option(inv, "role", NULL), *topics = cli_option(inv, "topic", NULL);
    const char *user = cli_option(inv, "user", NULL);
    char known[NOTICE_TOPICS_TEXT_MAX];
    notice_topics_format(NOTICE_TOPICS_ALL, known);
    if (!role == !user)
        return cli_usage(inv, "--role is needed, or of mail --user: nothing has a default audience");
    if (role && (t->role = role_parse(span_str(role))) == ROLE_NONE)
        return cli_usage(inv, "--role %s: must be reader, analyst, publisher or administrator", role);
    if (user && !user_name_valid(span_str(user)))
        return cli_usage(inv, "--user %s: no user's name", user);
    snprintf(t->user, sizeof(t->user), "%s", user ? user : "");
    if (topics && (t->topics = notice_topics_parse(span_str(topics))) == 0)
        return cli_usage(inv, "--topic %s: must be some of %s", topics, known);
    return 0;
}

static int read_mail(struct invocation *inv, struct teller *t)
{
    const char *every = cli_option(inv, "every", "day"), *lang = cli_option(inv, "lang", NULL);
    if (strcmp(every, "day") != 0 && strcmp(every, "hour") != 0)
        return cli_usage(inv, "--every %s: must be hour or day", every);
    const char *found = lang ? http_language_for(span_str(lang)) : "";
    if (!found)
        return cli_usage(inv, "--lang %s: must be en or zh-Hans", lang);
    snprintf(t->lang, sizeof(t->lang), "%s", found);
    t->every_s = every[0] == 'h' ? HOUR_S : DAY_S;
    t->due_ms = tell_next_due(t->every_s, cli_now_ms());
    return 0;
}

/* The first language of the operator's profile that the pages have. */
static int node_language(struct session *session, char out[16], struct err *err)
{
    struct log_info self;
    struct member member;
    struct arena arena;
    const char *found = NULL;
    arena_init(&arena, MEMBER_ARENA_MAX);
    int rc = store_operator(session->store, &self, err);
    if (!rc)
        rc = store_member(session->store, self.number, &arena, &member, err);
    for (size_t i = 0; !rc && !found && i < member.profile.languages.count; i++)
        found = http_language_for(span_str(member.profile.languages.item[i]));
    snprintf(out, 16, "%s", found ? found : http_languages[0]);
    arena_done(&arena);
    return rc;
}

static int add(struct invocation *inv, struct teller *t, struct span ca, const char *secret)
{
    struct session session;
    struct user user;
    char name[40], shown[TELLER_SHOWN_MAX];
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_TELL);
    if (!status && t->kind == TELLER_MAIL && !t->lang[0] && node_language(&session, t->lang, &inv->err))
        status = cli_fail(inv);
    if (!status && t->user[0] && user_find(session.store, span_str(t->user), &user, &inv->err))
        status = cli_fail(inv);
    if (!status && teller_add(session.store, t, ca, &t->number, &inv->err))
        status = cli_fail(inv);
    snprintf(name, sizeof(name), "tell-%lld", (long long)t->number);
    if (!status && secret[0] && secret_put(inv->dir, name, span_str(secret), &inv->err)) {
        struct err gone = {0};
        (void)teller_remove(session.store, t->number, &gone);
        status = cli_fail(inv);
    }
    teller_shown(t, shown);
    if (!status)
        status = note(inv, &session, shown);
    if (!status)
        printf("%lld: %s is told what %s%s sees, from now on while `tongzhou serve` runs.\n", (long long)t->number,
               t->target, t->user[0] ? "the user " : "the role ", t->user[0] ? t->user : role_word(t->role));
    session_close(&session);
    return status;
}

static int run_add(struct invocation *inv)
{
    struct teller teller = {.full = cli_flag(inv, "full"), .inside = cli_flag(inv, "inside")};
    struct target target;
    struct buf ca;
    char secret[SECRET_LINE_MAX + 1] = "";
    const char *file = cli_option(inv, "secret", NULL);
    if (target_parse(span_str(inv->args[0]), teller.inside, &target, teller.target, &inv->err))
        return cli_usage(inv, "%s", inv->err.text);
    teller.kind = target_kind(&target);
    buf_init(&ca, TELLER_CA_MAX);
    int status = check_kind(inv, &teller, &target);
    if (!status)
        status = read_whom(inv, &teller);
    if (!status && teller.kind == TELLER_MAIL)
        status = read_mail(inv, &teller);
    if (!status)
        status = read_ca(inv, &ca);
    if (!status && file && secret_line_of(file, secret, &inv->err))
        status = cli_fail(inv);
    if (!status && strlen(secret) > TELL_SECRET_MAX)
        status = cli_usage(inv, "--secret %s: longer than %d bytes", file, TELL_SECRET_MAX);
    if (!status)
        status = add(inv, &teller, buf_view(&ca), secret);
    sodium_memzero(secret, sizeof(secret));
    buf_done(&ca);
    return status;
}

const struct command cmd_tell_add = {
    .name = "tell add",
    .arguments = "TARGET",
    .summary = "Tell notices of the inbox outside: by a hook, by mail, to a system log",
    .details = "TARGET is one of\n"
               "  https://HOST/...              a hook: JSON is posted there, signed by our request key\n"
               "  mailto:ADDRESS                what is new as a plain mail, once an hour or a day\n"
               "  local, unix:/PATH             the system log of this machine\n"
               "  udp://, tcp://, tls://HOST:PORT   a system log elsewhere, as RFC 5424 says\n"
               "What is not taken waits on the disk and is sent again, ever more seldom; `status` and the inbox say "
               "so. Addresses\n"
               "of this machine or a private network are not dialled without --inside, whatever a name leads to.\n\n"
               "  tongzhou tell add https://soar.example.org/hook --role analyst --topic held,fork\n",
    .options = add_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_add,
};

/* ---- list ---- */

struct listing {
    struct store *store;
    bool json;
    size_t count;
};

static void print_json(const struct teller *t, uint64_t waiting)
{
    struct buf text;
    char topics[NOTICE_TOPICS_TEXT_MAX], done[WHEN_TEXT_LEN + 1], due[WHEN_TEXT_LEN + 1];
    notice_topics_format(t->topics ? t->topics : NOTICE_TOPICS_ALL, topics);
    when_format(t->done_ms, done);
    when_format(t->due_ms, due);
    buf_init(&text, 65536);
    buf_fmt(&text, "{\"number\":%lld,\"kind\":\"%s\",\"target\":", (long long)t->number, teller_kind_word(t->kind));
    buf_json_string(&text, span_str(t->target));
    if (t->user[0])
        buf_fmt(&text, ",\"user\":\"%s\"", t->user);
    else
        buf_fmt(&text, ",\"role\":\"%s\"", role_word(t->role));
    buf_fmt(&text, ",\"topics\":\"%s\",\"full\":%s,\"inside\":%s,\"every_s\":%lld", topics, t->full ? "true" : "false",
            t->inside ? "true" : "false", (long long)t->every_s);
    buf_fmt(&text, ",\"sent\":%llu,\"waiting\":%llu,\"missed\":%llu,\"failures\":%u", (unsigned long long)t->sent,
            (unsigned long long)waiting, (unsigned long long)t->missed, t->failures);
    buf_fmt(&text, t->done_ms ? ",\"done\":\"%s\"" : ",\"done\":null", done);
    buf_fmt(&text, t->due_ms ? ",\"due\":\"%s\",\"reason\":" : ",\"due\":null,\"reason\":", due);
    buf_json_string(&text, span_str(t->reason));
    printf("%s}\n", buf_cstr(&text));
    buf_done(&text);
}

static void print_text(const struct teller *t, uint64_t waiting)
{
    char topics[NOTICE_TOPICS_TEXT_MAX], time[WHEN_TEXT_LEN + 1];
    notice_topics_format(t->topics, topics);
    printf("%lld  ", (long long)t->number);
    cli_put_text(stdout, span_str(t->target), sizeof(t->target));
    printf("\n   %s %s, %s%s%s%s\n", t->user[0] ? "user" : "role", t->user[0] ? t->user : role_word(t->role),
           t->topics ? topics : "all topics", t->full ? ", with sentences" : "", t->inside ? ", may be inside" : "",
           t->every_s == HOUR_S ? ", hourly"
           : t->every_s         ? ", daily"
                                : "");
    when_format(t->done_ms, time);
    printf("   %llu told, last %.19s%s; %llu waiting", (unsigned long long)t->sent, t->done_ms ? time : "never",
           t->done_ms ? "Z" : "", (unsigned long long)waiting);
    if (t->missed)
        printf("; %llu had to go unsent", (unsigned long long)t->missed);
    putchar('\n');
    if (t->failures) {
        when_format(t->due_ms, time);
        printf("   failed %u time%s, next at %.19sZ: ", t->failures, t->failures == 1 ? "" : "s", time);
        cli_put_text(stdout, span_str(t->reason), sizeof(t->reason));
        putchar('\n');
    }
}

static int print_teller(void *ctx, const struct teller *t, struct err *err)
{
    struct listing *listing = ctx;
    uint64_t waiting = 0;
    int rc = teller_waiting(listing->store, t, &waiting, err);
    if (rc < 0)
        return rc;
    listing->count++;
    if (listing->json)
        print_json(t, waiting);
    else
        print_text(t, waiting);
    return 0;
}

static const struct option list_options[] = {{"json", NULL, "one JSON object a line", AT_MOST_ONCE}, {0}};

static int run_list(struct invocation *inv)
{
    struct session session;
    int status = session_open(inv, &session, 0, OUTLET_TELL);
    struct listing listing = {.store = session.store, .json = cli_flag(inv, "json")};
    if (!status && teller_each(session.store, print_teller, &listing, &inv->err))
        status = cli_fail(inv);
    if (!status && listing.count == 0 && !listing.json)
        puts("Nobody is told anything outside: `tongzhou tell add TARGET --role R` changes that.");
    session_close(&session);
    return status;
}

const struct command cmd_tell_list = {
    .name = "tell list",
    .arguments = "",
    .summary = "Show who is told notices outside, and how that fares",
    .options = list_options,
    .max_args = 0,
    .run = run_list,
};

/* ---- remove, test ---- */

static int find(struct invocation *inv, struct session *session, struct teller *ret)
{
    return teller_find(session->store, span_str(inv->args[0]), ret, &inv->err) ? cli_fail(inv) : 0;
}

static int run_remove(struct invocation *inv)
{
    struct session session;
    struct teller teller;
    char name[40], shown[TELLER_SHOWN_MAX];
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_TELL);
    if (!status)
        status = find(inv, &session, &teller);
    if (!status && teller_remove(session.store, teller.number, &inv->err))
        status = cli_fail(inv);
    if (!status) {
        snprintf(name, sizeof(name), "tell-%lld", (long long)teller.number);
        secret_drop(inv->dir, name);
        teller_shown(&teller, shown);
        status = note(inv, &session, shown);
    }
    if (!status)
        printf("%s is told nothing any more.\n", teller.target);
    session_close(&session);
    return status;
}

const struct command cmd_tell_remove = {
    .name = "tell remove",
    .arguments = "TARGET|NUMBER",
    .summary = "Tell it nothing any more",
    .min_args = 1,
    .max_args = 1,
    .run = run_remove,
};

static int run_test(struct invocation *inv)
{
    struct session session;
    struct teller teller;
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_TELL);
    if (!status)
        status = find(inv, &session, &teller);
    if (!status && tell_test(session.store, &teller, cli_now_ms(), &inv->err)) {
        err_in(&inv->err, "%s", teller.target);
        status = cli_fail(inv);
    }
    /* What had to wait for it need not wait longer. */
    if (!status && teller.failures > 0 && teller_wait(session.store, teller.number, cli_now_ms(), &inv->err))
        status = cli_fail(inv);
    if (!status)
        puts(teller.kind == TELLER_HOOK   ? "It took a test."
             : teller.kind == TELLER_MAIL ? "The server took a mail for it."
                                          : "A line was sent; whether it was written is to be seen there.");
    session_close(&session);
    return status;
}

const struct command cmd_tell_test = {
    .name = "tell test",
    .arguments = "TARGET|NUMBER",
    .summary = "Send a test there now, and say what comes of it",
    .min_args = 1,
    .max_args = 1,
    .run = run_test,
};

/* ---- the mail server ---- */

static const struct option mail_options[] = {
    {"from", "ADDRESS", "whose mail it is", ONCE},
    {"user", "NAME", "sign in as", AT_MOST_ONCE},
    {"password", "FILE", "with the password in it, mode 600", AT_MOST_ONCE},
    {"plain", NULL, "send without TLS if the server has none; not with --user", AT_MOST_ONCE},
    {"inside", NULL, "the server may be this machine or in a private network", AT_MOST_ONCE},
    {"ca", "FILE", "trust these certificates there, PEM, instead of this machine's", AT_MOST_ONCE},
    {0},
};

/* A password is for the server and the name that it was given for. */
static bool keeps_password(struct store *store, const struct mail_server *server)
{
    struct mail_server before;
    struct err none = {0};
    struct buf ca;
    buf_init(&ca, TELLER_CA_MAX);
    bool found = mail_server_get(store, &before, &ca, &none) == 0;
    buf_done(&ca);
    return found && strcmp(before.url, server->url) == 0 && strcmp(before.user, server->user) == 0;
}

/* What was for another server goes before the new one is known, what is for the new one comes behind: neither gets the other's. */
static int set_server(struct invocation *inv, const struct mail_server *server, struct span ca, const char *password)
{
    struct session session;
    int status = session_open(inv, &session, SESSION_WRITE, OUTLET_TELL);
    if (!status && (!server->user[0] || !keeps_password(session.store, server)))
        secret_drop(inv->dir, MAIL_PASSWORD);
    if (!status && mail_server_set(session.store, server, ca, &inv->err))
        status = cli_fail(inv);
    if (!status && password[0] && secret_put(inv->dir, MAIL_PASSWORD, span_str(password), &inv->err))
        status = cli_fail(inv);
    if (!status)
        status = note(inv, &session, server->url);
    if (!status)
        printf("Mail goes by %s, from %s.\n", server->url, server->from);
    session_close(&session);
    return status;
}

static int read_server(struct invocation *inv, struct mail_server *server)
{
    struct target target;
    const char *from = cli_option(inv, "from", ""), *user = cli_option(inv, "user", "");
    if (target_parse_server(span_str(inv->args[0]), &target, &inv->err))
        return cli_usage(inv, "%s", inv->err.text);
    if (!mail_address_valid(span_str(from)))
        return cli_usage(inv, "--from: an address is needed");
    if (user[0] && server->plain)
        return cli_usage(inv, "--plain and --user exclude each other: a password is sent through TLS alone");
    if (strlen(user) >= sizeof(server->user))
        return cli_usage(inv, "--user: longer than %zu bytes", sizeof(server->user) - 1);
    for (const char *c = user; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return cli_usage(inv, "--user: a control character in it");
    snprintf(server->url, sizeof(server->url), "%s", inv->args[0]);
    snprintf(server->from, sizeof(server->from), "%s", from);
    snprintf(server->user, sizeof(server->user), "%s", user);
    return 0;
}

static int run_mail(struct invocation *inv)
{
    struct mail_server server = {.plain = cli_flag(inv, "plain"), .inside = cli_flag(inv, "inside")};
    struct buf ca;
    char password[SECRET_LINE_MAX + 1] = "";
    const char *file = cli_option(inv, "password", NULL);
    int status = read_server(inv, &server);
    if (!status && file && !server.user[0])
        status = cli_usage(inv, "--password needs --user");
    buf_init(&ca, TELLER_CA_MAX);
    if (!status)
        status = read_ca(inv, &ca);
    if (!status && file && secret_line_of(file, password, &inv->err))
        status = cli_fail(inv);
    if (!status)
        status = set_server(inv, &server, buf_view(&ca), password);
    sodium_memzero(password, sizeof(password));
    buf_done(&ca);
    return status;
}

const struct command cmd_tell_mail = {
    .name = "tell mail",
    .arguments = "smtp://H[:P]|smtps://H[:P]",
    .summary = "Say by which server mail leaves this node",
    .details = "smtp:// asks for STARTTLS and sends nothing without, unless --plain. The password stands in DIR/keys,\n"
               "readable by this node's user alone, or is the systemd credential mail-password.\n\n"
               "  tongzhou tell mail smtp://mail.example.org:587 --from node@example.org --user node --password FILE\n",
    .options = mail_options,
    .min_args = 1,
    .max_args = 1,
    .run = run_mail,
};
