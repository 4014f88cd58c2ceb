/* For administrators: how the node stands. One place, from which the others are reached; works without scripts. */
#include <sys/statvfs.h>

#include "http/account.h"
#include "http/tls.h"
#include "state/peers.h"
#include "state/rules.h"
#include "state/tellers.h"
#include "state/vault.h"

#define VERSIONS_SHOWN 10

static void open_section(struct page *page, const char *heading)
{
    page_raw(page, "<section><h2>");
    page_say(page, heading);
    page_raw(page, "</h2>\n");
}

static void open_fact(struct page *page, const char *name)
{
    page_raw(page, "<div><dt>");
    page_say(page, name);
    page_raw(page, "</dt><dd>");
}

static void say_fact(struct page *page, const char *name, const char *what)
{
    open_fact(page, name);
    page_say(page, what);
    page_raw(page, "</dd></div>\n");
}

static void number_fact(struct page *page, const char *name, uint64_t number)
{
    open_fact(page, name);
    page_number(page, number);
    page_raw(page, "</dd></div>\n");
}

static void bytes_fact(struct page *page, const char *name, uint64_t bytes)
{
    open_fact(page, name);
    page_bytes(page, bytes);
    page_raw(page, "</dd></div>\n");
}

/* ---- who may come in, and how ---- */

static void write_certificate(struct page *page, struct tls *tls)
{
    if (!tls) {
        say_fact(page, TR_MARK("Certificate"), TR_MARK("none: this node itself speaks plain HTTP"));
        return;
    }
    open_fact(page, TR_MARK("Certificate"));
    page_sayf(page, TR(page, "good until {1}"), SAY(say_time(tls_ends_ms(tls))));
    page_raw(page, "</dd></div>\n");
}

static void write_signing(struct page *page, const struct view *view)
{
    const struct signing_options *settings = signing_settings(page->request->visitor->signing);
    const char *provider = signing_oidc_name(page->request->visitor->signing);
    open_section(page, TR_MARK("Signing in"));
    page_raw(page, "<dl class=\"facts\">\n");
    say_fact(page, TR_MARK("By password"),
             settings->is_offered ? TR_MARK("yes") : TR_MARK("only behind the proxy that is trusted"));
    open_fact(page, TR_MARK("At a provider"));
    if (provider)
        page_bdi(page, span_str(provider));
    else
        page_say(page, TR_MARK("no"));
    page_raw(page, "</dd></div>\n");
    open_fact(page, TR_MARK("By a proxy"));
    if (settings->trust)
        page_bdi(page, span_str(settings->trust));
    else
        page_say(page, TR_MARK("no"));
    page_raw(page, "</dd></div>\n");
    write_certificate(page, settings->tls);
    say_fact(page, TR_MARK("Secret keys"),
             vault_is_here(store_dir(view->store)) ? TR_MARK("under a passphrase")
                                                   : TR_MARK("readable by the node's user alone"));
    page_raw(page, "</dl>\n</section>\n");
}

struct user_counts {
    uint64_t all, with_codes, locked;
};

static int count_user(void *ctx, const struct user *user, struct err *err)
{
    struct user_counts *counts = ctx;
    (void)err;
    counts->all++;
    counts->with_codes += user->has_totp;
    counts->locked += user->locked;
    return 0;
}

static int write_users(struct page *page, const struct view *view, struct err *err)
{
    struct user_counts counts = {0};
    int rc = user_each(view->store, count_user, &counts, err);
    if (rc < 0)
        return rc;
    open_section(page, TR_MARK("Users"));
    page_raw(page, "<dl class=\"facts\">\n");
    number_fact(page, TR_MARK("Users"), counts.all);
    number_fact(page, TR_MARK("with one-time codes"), counts.with_codes);
    number_fact(page, TR_MARK("locked"), counts.locked);
    page_raw(page, "</dl>\n<p><a href=\"/users\">");
    page_say(page, TR_MARK("Users and tokens"));
    page_raw(page, "</a></p>\n</section>\n");
    return 0;
}

/* ---- peers ---- */

static const char *const peer_headings[] = {TR_MARK("Address"), TR_MARK("State"), TR_MARK("Last answer"),
                                            TR_MARK("Received")};

struct listed {
    struct page *page;
    size_t count;
};

static int write_peer(void *ctx, const struct peer *peer, struct err *err)
{
    struct listed *listed = ctx;
    struct page *page = listed->page;
    (void)err;
    if (listed->count++ == 0)
        page_table(page, peer_headings, 4);
    page_table_row(page);
    page_bdi(page, span_str(peer->url));
    page_table_cell(page, peer_headings[1]);
    page_say(page, peer->set_aside        ? TR_MARK("set aside")
                   : peer->failures > 0   ? TR_MARK("does not answer")
                   : peer->reached_ms > 0 ? TR_MARK("in touch")
                                          : TR_MARK("not asked yet"));
    if (peer->reason[0]) {
        page_raw(page, " <span class=\"quiet\" lang=\"en\">");
        page_bdi(page, span_str(peer->reason));
        page_raw(page, "</span>");
    }
    page_table_cell(page, peer_headings[2]);
    if (peer->reached_ms > 0)
        page_ago(page, peer->reached_ms);
    else
        page_say(page, TR_MARK("never"));
    page_table_cell(page, peer_headings[3]);
    page_bytes(page, peer->bytes_in);
    page_table_row_end(page);
    return 0;
}

static int write_peers(struct page *page, const struct view *view, struct err *err)
{
    struct listed listed = {.page = page};
    open_section(page, TR_MARK("Peers"));
    int rc = peer_each(view->store, write_peer, &listed, err);
    if (listed.count > 0) {
        page_table_end(page);
    } else {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("There are none."));
        page_raw(page, "</p>\n");
    }
    page_raw(page, "</section>\n");
    return rc;
}

/* ---- who is told notices outside ---- */

static const char *const told_headings[] = {TR_MARK("Address"), TR_MARK("State"), TR_MARK("Last told"),
                                            TR_MARK("Waiting"), TR_MARK("Had to go unsent")};

struct told {
    struct listed listed;
    struct store *store;
};

static int write_told(void *ctx, const struct teller *t, struct err *err)
{
    struct told *told = ctx;
    struct page *page = told->listed.page;
    char shown[TELLER_SHOWN_MAX];
    uint64_t waiting = 0;
    int rc = teller_waiting(told->store, t, &waiting, err);
    if (rc < 0)
        return rc;
    if (told->listed.count++ == 0)
        page_table(page, told_headings, 5);
    teller_shown(t, shown);
    page_table_row(page);
    page_bdi(page, span_str(shown));
    page_table_cell(page, told_headings[1]);
    page_say(page, t->failures > 0  ? TR_MARK("fails")
                   : t->done_ms > 0 ? TR_MARK("gets what is new")
                                    : TR_MARK("got nothing yet"));
    if (t->reason[0]) {
        page_raw(page, " <span class=\"quiet\" lang=\"en\">");
        page_bdi(page, span_str(t->reason));
        page_raw(page, "</span>");
    }
    page_table_cell(page, told_headings[2]);
    if (t->done_ms > 0)
        page_ago(page, t->done_ms);
    else
        page_say(page, TR_MARK("never"));
    page_table_cell(page, told_headings[3]);
    page_number(page, waiting);
    page_table_cell(page, told_headings[4]);
    page_number(page, t->missed);
    page_table_row_end(page);
    return 0;
}

static int write_tellers(struct page *page, const struct view *view, struct err *err)
{
    struct told told = {.listed = {.page = page}, .store = view->store};
    open_section(page, TR_MARK("Notices told outside"));
    int rc = teller_each(view->store, write_told, &told, err);
    if (told.listed.count > 0) {
        page_table_end(page);
    } else {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("Nobody is told outside of this node."));
        page_raw(page, "</p>\n");
    }
    page_raw(page, "</section>\n");
    return rc;
}

/* ---- policy ---- */

static const char *const version_headings[] = {TR_MARK("Version"), TR_MARK("In force since")};

static int write_version(void *ctx, const struct rules_version *version, struct err *err)
{
    struct listed *listed = ctx;
    struct page *page = listed->page;
    (void)err;
    if (listed->count++ == 0)
        page_table(page, version_headings, 2);
    page_table_row(page);
    page_fmt(page, "<code>%s</code>", version->version);
    page_table_cell(page, version_headings[1]);
    page_time(page, version->since_ms);
    page_table_row_end(page);
    return 0;
}

static int write_policy(struct page *page, const struct view *view, struct err *err)
{
    struct listed listed = {.page = page};
    struct buf trouble;
    open_section(page, TR_MARK("Versions of the policy"));
    int rc = rules_versions(view->store, VERSIONS_SHOWN, write_version, &listed, err);
    if (listed.count > 0) {
        page_table_end(page);
    } else {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("The built-in one has never been replaced."));
        page_raw(page, "</p>\n");
    }
    buf_init(&trouble, 65536);
    if (rc == 0)
        rc = rules_trouble(view->store, &trouble, err);
    if (rc == 0 && trouble.len > 0) {
        page_raw(page, "<p class=\"alert bad\">");
        page_say(page, TR_MARK("The file as it is now cannot come into force:"));
        page_raw(page, "</p>\n<pre lang=\"en\">");
        page_pre(page, buf_view(&trouble));
        page_raw(page, "</pre>\n");
    }
    buf_done(&trouble);
    page_raw(page, "</section>\n");
    return rc;
}

/* ---- storage ---- */

struct held {
    uint64_t logs, records, contents, bytes;
};

static int count_log(void *ctx, const struct log_info *log, struct err *err)
{
    struct held *held = ctx;
    (void)err;
    held->logs += log->role != LOG_LISTED;
    held->records += log->size;
    held->contents += log->payloads;
    held->bytes += log->bytes;
    return 0;
}

static int write_storage(struct page *page, const struct view *view, struct err *err)
{
    struct held held = {0};
    struct statvfs disk;
    int rc = view_logs(view, count_log, &held, err);
    if (rc < 0)
        return rc;
    open_section(page, TR_MARK("Storage"));
    page_raw(page, "<dl class=\"facts\">\n");
    number_fact(page, TR_MARK("Logs"), held.logs);
    number_fact(page, TR_MARK("Records"), held.records);
    number_fact(page, TR_MARK("Contents that are here"), held.contents);
    bytes_fact(page, TR_MARK("Logs and contents"), held.bytes);
    if (statvfs(store_dir(view->store), &disk) == 0)
        bytes_fact(page, TR_MARK("Free on this disk"), (uint64_t)disk.f_bavail * disk.f_frsize);
    page_raw(page, "</dl>\n</section>\n");
    return 0;
}

int page_administration(const struct view *view, const struct http_request *request, struct http_reply *reply,
                        struct err *err)
{
    struct page page;
    if (!account_may(request, reply, ACTION_USERS))
        return 0;
    page_begin(&page, request, reply, "", TR_MARK("Administration"));
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Administration"));
    page_raw(&page, "</h1>\n");
    write_signing(&page, view);
    int rc = write_users(&page, view, err);
    if (rc == 0)
        rc = write_peers(&page, view, err);
    if (rc == 0)
        rc = write_tellers(&page, view, err);
    if (rc == 0)
        rc = write_policy(&page, view, err);
    if (rc == 0)
        rc = write_storage(&page, view, err);
    if (rc == 0)
        rc = account_write_trail(&page, view, err);
    return rc < 0 ? rc : page_end(&page, err);
}
