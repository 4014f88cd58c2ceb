/* One-time codes, set up by whom they are for: the password, then a picture for the authenticator program, then a first code. */
#include <qrencode.h>
#include <sodium.h>

#include "base/random.h"
#include "http/account.h"
#include "state/totp.h"

#define URI_MAX 1024 /* bytes */
#define QUIET 4      /* modules around a QR code (ISO/IEC 18004 section 5.3.8) */

/* As SVG in the page, a path of one square a dark module: no script, nothing to load. */
static int write_picture(struct page *page, const char *uri, struct err *err)
{
    QRcode *code = QRcode_encodeString8bit(uri, 0, QR_ECLEVEL_M);
    if (!code)
        return err_memory(err);
    int side = code->width + 2 * QUIET;
    page_fmt(
        page,
        "<p><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\"",
        4 * side, 4 * side, side, side);
    page_raw(page, " aria-label=\"");
    page_say(page, TR_MARK("QR code for an authenticator program"));
    page_fmt(page, "\"><rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><path fill=\"#000\" d=\"", side, side);
    for (int y = 0; y < code->width; y++)
        for (int x = 0; x < code->width; x++)
            if (code->data[y * code->width + x] & 1)
                page_fmt(page, "M%d %dh1v1h-1z", x + QUIET, y + QUIET);
    page_raw(page, "\"/></svg></p>\n");
    sodium_memzero(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
    return 0;
}

static void write_field(struct page *page, const char *name, const char *label, const char *attributes)
{
    page_fmt(page, "<p><label for=\"%s\">", name);
    page_say(page, label);
    page_fmt(page, "</label> <input id=\"%s\" name=\"%s\" %s required></p>\n", name, name, attributes);
}

#define CODE_FIELD "type=\"text\" inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"6\""

static void begin_page(struct page *page, const struct http_request *request, struct http_reply *reply,
                       const char *wrong)
{
    page_begin(page, request, reply, "", TR_MARK("One-time codes"));
    page_raw(page, "<h1>");
    page_say(page, TR_MARK("One-time codes"));
    page_raw(page, "</h1>\n");
    if (wrong) {
        page_raw(page, "<p class=\"alert bad\" role=\"alert\">");
        page_say(page, wrong);
        page_raw(page, "</p>\n");
        reply->status = 403;
    }
}

static void begin_form(struct page *page)
{
    page_raw(page, "<form class=\"fields\" method=\"post\" action=\"/account/codes\">\n");
    page_form_token(page);
}

static int end_page(struct page *page, const char *button, struct err *err)
{
    page_raw(page, "<p><button type=\"submit\">");
    page_say(page, button);
    page_raw(page, "</button></p>\n</form>\n");
    int rc = page_end(page, err);
    page->reply->cache_control = "no-store";
    return rc;
}

/* A session that was left open does not suffice: whoever sits there could keep its owner out. */
static int ask_password(const struct http_request *request, struct http_reply *reply, const char *wrong,
                        struct err *err)
{
    struct page page;
    begin_page(&page, request, reply, wrong);
    page_raw(&page, "<p class=\"lead\">");
    page_say(&page, TR_MARK("An authenticator program shows a new code every 30 seconds; signing in will ask for one "
                            "besides the password."));
    page_raw(&page, "</p>\n");
    begin_form(&page);
    write_field(&page, "password", TR_MARK("Password"), "type=\"password\" autocomplete=\"current-password\"");
    if (request->visitor->user.has_totp)
        write_field(&page, "code", TR_MARK("A code as it is now"), CODE_FIELD);
    return end_page(&page, TR_MARK("Go on"), err);
}

/* `uri` NULL: it was shown before, and is not shown again. */
static int ask_code(const struct http_request *request, struct http_reply *reply, const char *uri, struct err *err)
{
    struct page page;
    int rc = 0;
    begin_page(&page, request, reply, uri ? NULL : TR_MARK("This is not the code. Please try the next one."));
    if (uri) {
        page_raw(&page, "<p class=\"lead\">");
        page_say(&page, TR_MARK("Let your authenticator program look at this picture, or give it the address below it. "
                                "It is shown this once."));
        page_raw(&page, "</p>\n");
        rc = write_picture(&page, uri, err);
        page_raw(&page, "<p><code>");
        page_esc(&page, span_str(uri));
        page_raw(&page, "</code></p>\n");
    }
    begin_form(&page);
    write_field(&page, "first", TR_MARK("The code that it shows"), CODE_FIELD);
    return rc < 0 ? rc : end_page(&page, TR_MARK("Ask for codes from now on"), err);
}

static int offer(struct store *store, const struct http_request *request, struct http_reply *reply,
                 const struct user *user, struct err *err)
{
    struct log_info log;
    uint8_t secret[TOTP_SECRET];
    struct buf uri;
    if (!user)
        return ask_password(request, reply, TR_MARK("This is not right."), err);
    int rc = store_operator(store, &log, err);
    if (rc < 0)
        return rc;
    random_bytes(secret, sizeof(secret));
    struct span bytes = span_of(secret, sizeof(secret));
    buf_init(&uri, URI_MAX);
    buf_room(&uri, URI_MAX - 1); /* all at once, so that no copy is left behind where the buffer grew */
    buf_clear(&uri);
    totp_uri(bytes, span_of(log.origin, strcspn(log.origin, "/")), span_str(user->name), &uri);
    rc = buf_check(&uri, "address", err);
    if (rc == 0)
        rc = user_offer_totp(store, user->number, bytes, err);
    if (rc == 0)
        rc = ask_code(request, reply, buf_cstr(&uri), err);
    sodium_memzero(secret, sizeof(secret));
    if (uri.data)
        sodium_memzero(uri.data, uri.cap);
    buf_done(&uri);
    return rc;
}

static int take(struct store *store, const struct http_request *request, struct err *err)
{
    struct http_visitor *visitor = request->visitor;
    bool is_right = false;
    int rc = user_take_totp(store, visitor->user.number, http_form_value(request, "first"), span_str(visitor->session),
                            request->now_ms, &is_right, err);
    if (rc == 0 && is_right)
        rc = account_note(store, request, visitor->user.name, "user totp", AUDIT_DONE, err);
    visitor->user.has_totp = is_right;
    return rc;
}

/* Whom a proxy or a provider signs in is asked for codes there. */
static bool has_session(const struct http_request *request, struct http_reply *reply)
{
    if (!account_is_person(request, reply))
        return false;
    if (request->visitor->how == VISITOR_SESSION)
        return true;
    (void)http_problem(request, reply, 403, TR_MARK("Not allowed"),
                       TR_MARK("This needs somebody who is signed in with a password."));
    return false;
}

int page_codes(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    (void)view;
    return has_session(request, reply) ? ask_password(request, reply, NULL, err) : 0;
}

int page_codes_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err)
{
    (void)view;
    if (!has_session(request, reply))
        return 0;
    struct http_visitor *visitor = request->visitor;
    if (http_form_value(request, "first").len == 0)
        return account_ask(request, reply, span_str(visitor->user.name), offer, err);
    int rc = account_write(request, take, err);
    if (rc < 0)
        return rc;
    return visitor->user.has_totp ? account_go(request, reply, "/account") : ask_code(request, reply, NULL, err);
}
