#include "connect/naming.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <idn2.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "connect/fetch.h"

#define PREFIX "origin="
#define DOMAIN_MAX 240    /* bytes: a name in DNS has 253, and _tongzhou. stands in front */
#define MESSAGE_MAX 65535 /* bytes of a DNS message over TCP */
#define RECORDS_MAX 64    /* TXT records looked at */
#define TIMEOUT_MS 10000

/* ---- what they say ---- */

static enum naming_said judge(struct span line, const char *origin)
{
    if (!span_starts(line, SPAN_LIT(PREFIX)))
        return NAMING_NOTHING;
    struct span said = span_sub(line, sizeof(PREFIX) - 1, line.len);
    if (span_is(said, origin))
        return NAMING_THIS;
    return origin_valid(said) ? NAMING_ANOTHER : NAMING_NOTHING;
}

static enum naming_said more(enum naming_said a, enum naming_said b)
{
    return a > b ? a : b;
}

enum naming_said naming_text(struct span text, const char *origin)
{
    enum naming_said said = NAMING_NOTHING;
    while (text.len > 0) {
        size_t end = span_find(text, '\n');
        said = more(said, judge(span_trim(span_sub(text, 0, end)), origin));
        text = span_sub(text, end + 1, text.len);
    }
    return said;
}

/* The strings of one TXT record, joined: an origin fits one, but a server may cut where it likes. */
static enum naming_said judge_strings(struct span rdata, const char *origin)
{
    char joined[sizeof(PREFIX) + ORIGIN_MAX + 1];
    size_t len = 0;
    while (rdata.len > 0) {
        struct span piece = span_sub(rdata, 1, rdata.data[0]);
        if (piece.len != rdata.data[0] || len + piece.len > sizeof(joined))
            return NAMING_NOTHING;
        memcpy(joined + len, piece.data, piece.len);
        len += piece.len;
        rdata = span_sub(rdata, 1 + piece.len, rdata.len);
    }
    return judge(span_of(joined, len), origin);
}

enum naming_said naming_message(struct span message, const char *origin)
{
    enum naming_said said = NAMING_NOTHING;
    ns_msg parsed;
    ns_rr record;
    if (message.len > MESSAGE_MAX || message.len < NS_HFIXEDSZ ||
        ns_initparse(message.data, (int)message.len, &parsed) != 0)
        return NAMING_NOTHING;
    int count = ns_msg_count(parsed, ns_s_an);
    for (int i = 0; i < count && i < RECORDS_MAX; i++)
        if (ns_parserr(&parsed, ns_s_an, i, &record) == 0 && ns_rr_type(record) == ns_t_txt &&
            ns_rr_class(record) == ns_c_in)
            said = more(said, judge_strings(span_of(ns_rr_rdata(record), ns_rr_rdlen(record)), origin));
    return said;
}

bool naming_domain(const char *origin, char out[256])
{
    char name[ORIGIN_NAME_MAX + 1], *ascii = NULL;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(origin, "/"), origin);
    bool ok = idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK;
    const char *last = ok ? strrchr(ascii, '.') : NULL;
    /* A last label of digits alone would be an address. */
    ok = last && strlen(ascii) <= DOMAIN_MAX && last[1] != '\0' && strspn(last + 1, "0123456789") < strlen(last + 1);
    if (ok)
        snprintf(out, 256, "%s", ascii);
    idn2_free(ascii);
    return ok;
}

bool naming_server(const char *text, struct sockaddr_in *ret)
{
    char address[INET_ADDRSTRLEN];
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    uint64_t port = NS_DEFAULTPORT;
    if (len >= sizeof(address) || (colon && (!span_u64(span_str(colon + 1), 65535, &port) || port == 0)))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, address, &ret->sin_addr) == 1;
}

/* ---- looking ---- */

/* What a place says, in words; the first place that says it ends the search. */
static void note(struct name_check *check, const char *place, enum naming_said said, const char *why)
{
    size_t len = strlen(check->detail);
    char shown[160];
    const char *words = said == NAMING_ANOTHER ? "names another origin" : *why ? why : "says nothing of it";
    snprintf(check->detail + len, sizeof(check->detail) - len, "%s%s: %s", len ? "; " : "", place,
             text_escape_into(shown, sizeof(shown), span_str(words)));
}

static void look_dns(const struct naming_options *options, const char *origin, const char *domain,
                     struct name_check *check)
{
    struct __res_state state = {0};
    char asked[300];
    uint8_t *answer = malloc(MESSAGE_MAX);
    unsigned timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    enum naming_said said = NAMING_NOTHING;
    const char *why = "";
    snprintf(asked, sizeof(asked), "_tongzhou.%s", domain);
    if (!answer || res_ninit(&state) != 0) {
        note(check, "DNS", said, "no resolver");
        free(answer);
        return;
    }
    if (options->dns) {
        state.nscount = 1;
        state.nsaddr_list[0] = *options->dns;
    }
    state.retry = 2;
    state.retrans = (int)(timeout_ms / 2000 + 1);
    int len = res_nquery(&state, asked, ns_c_in, ns_t_txt, answer, MESSAGE_MAX);
    if (len > 0)
        said = naming_message(span_of(answer, (size_t)(len < MESSAGE_MAX ? len : MESSAGE_MAX)), origin);
    else
        why = state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA ? "no such record" : "no answer";
    res_nclose(&state);
    free(answer);
    if (said == NAMING_THIS)
        check->method = NAME_DNS;
    note(check, "DNS", said, why);
}

static void look_website(const struct naming_options *options, const char *origin, const char *domain,
                         struct name_check *check)
{
    char url[600], why[160] = "";
    enum naming_said said = NAMING_NOTHING;
    struct fetch_reply reply;
    struct err err = {0};
    if (options->site)
        snprintf(url, sizeof(url), "%s" NAMING_PATH, options->site);
    else
        snprintf(url, sizeof(url), "https://%s" NAMING_PATH, domain);
    struct fetch_request request = {.url = url,
                                    .body_max = NAMING_TEXT_MAX,
                                    .reach = options->site ? ADDRESS_NEAR : ADDRESS_PUBLIC,
                                    .total_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS};
    int rc = fetch_once(&request, &reply, &err);
    if (rc < 0)
        snprintf(why, sizeof(why), "%.150s", err.text);
    else if (reply.status != 200)
        snprintf(why, sizeof(why), "status %d", reply.status);
    else
        said = naming_text(buf_view(&reply.body), origin);
    fetch_reply_done(&reply);
    if (said == NAMING_THIS)
        check->method = NAME_HTTPS;
    note(check, "website", said, why);
}

int naming_check(const struct naming_options *options, const char *origin, struct name_check *ret, struct err *err)
{
    char domain[256];
    if (!origin_valid(span_str(origin)))
        return err_set(err, ERR_USAGE, "%.200s: no origin", origin);
    *ret = (struct name_check){.checked_ms = options->now_ms};
    snprintf(ret->origin, sizeof(ret->origin), "%s", origin);
    if (!naming_domain(origin, domain)) {
        snprintf(ret->detail, sizeof(ret->detail), "the name is no domain name");
        return 0;
    }
    look_dns(options, origin, domain, ret);
    if (ret->method == NAME_NOWHERE)
        look_website(options, origin, domain, ret);
    if (ret->method != NAME_NOWHERE)
        ret->detail[0] = '\0';
    return 0;
}
