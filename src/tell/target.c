#include "tell/target.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
    const char *scheme;
    enum target_way way;
} schemes[] = {{"udp://", TARGET_UDP},     {"tcp://", TARGET_TCP},    {"tls://", TARGET_TLS},  {"smtp://", TARGET_SMTP},
               {"smtps://", TARGET_SMTPS}, {"https://", TARGET_HTTP}, {"http://", TARGET_HTTP}};

enum teller_kind target_kind(const struct target *target)
{
    return target->way == TARGET_HTTP ? TELLER_HOOK : target->way == TARGET_MAIL ? TELLER_MAIL : TELLER_SYSLOG;
}

uint16_t target_port(const struct target *target)
{
    switch (target->way) {
    case TARGET_HTTP:
    case TARGET_TCP:
    case TARGET_TLS:
        return target->port;
    case TARGET_SMTP: /* what libcurl takes, RFC 5321 and RFC 8314 */
        return target->port ? target->port : 25;
    case TARGET_SMTPS:
        return target->port ? target->port : 465;
    default:
        return 0;
    }
}

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* HOST[:PORT], an IPv6 address in brackets; the characters are those of names and addresses alone. */
static bool parse_authority(struct span text, struct target *ret)
{
    bool v6 = text.len > 0 && text.data[0] == '[';
    size_t end = v6 ? span_find(text, ']') : span_find(text, ':');
    if (v6 && end == text.len)
        return false;
    struct span host = v6 ? span_sub(text, 1, end - 1) : span_sub(text, 0, end);
    struct span rest = span_sub(text, v6 ? end + 1 : end, text.len);
    uint64_t port = 0;
    if (rest.len > 0 && (rest.data[0] != ':' || !span_u64(span_sub(rest, 1, rest.len), 65535, &port) || port == 0))
        return false;
    if (host.len == 0 || host.len > TARGET_HOST_MAX || host.data[0] == '-' || host.data[0] == '.')
        return false;
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        if (!is_letter_or_digit(c) && c != '.' && (v6 ? c != ':' : c != '-' && c != '_'))
            return false;
    }
    memcpy(ret->host, host.data, host.len);
    ret->host[host.len] = '\0';
    ret->port = (uint16_t)port;
    return true;
}

static bool parse_scheme(struct span text, struct target *ret, struct span *ret_rest)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (span_starts(text, span_str(schemes[i].scheme))) {
            ret->way = schemes[i].way;
            *ret_rest = span_sub(text, strlen(schemes[i].scheme), text.len);
            return true;
        }
    return false;
}

bool mail_address_valid(struct span address)
{
    size_t at = span_find(address, '@');
    if (address.len > 254 || at == 0 || at > 64 || at + 1 >= address.len)
        return false;
    for (size_t i = 0; i < address.len; i++) {
        uint8_t c = address.data[i];
        bool is_edge = i == 0 || i + 1 == address.len || i == at + 1 || i + 1 == at;
        if (i == at)
            continue;
        if (c == '.' && (is_edge || address.data[i - 1] == '.'))
            return false;
        if (!is_letter_or_digit(c) && c != '.' && c != '-' && (i > at || c == 0 || !strchr("!#$%&'*+/=?^_`{|}~", c)))
            return false;
    }
    return true;
}

static int wants(struct span text, struct err *err)
{
    char shown[200];
    return err_set(
        err, ERR_USAGE,
        "%s: must be https://HOST/..., mailto:ADDRESS, local, unix:/PATH, udp://HOST:PORT, tcp://HOST:PORT or "
        "tls://HOST:PORT",
        text_escape_into(shown, sizeof(shown), text));
}

static int parse_hook(struct span text, bool inside, struct target *ret, char out[PEER_URL_MAX + 1], struct err *err)
{
    struct span rest = {0};
    int rc = feed_url_canonical(text, out, err);
    if (rc < 0)
        return rc;
    bool is_safe = strncmp(out, "https://", 8) == 0;
    if (!is_safe && !inside)
        return err_set(err, ERR_USAGE, "%s: without TLS only where it may be inside (--inside)", out);
    (void)parse_scheme(span_str(out), ret, &rest);
    rest = span_sub(rest, 0, strcspn((const char *)rest.data, "/?"));
    if (!parse_authority(rest, ret))
        return err_set(err, ERR_USAGE, "%s: HOST or HOST:PORT expected", out);
    ret->port = ret->port ? ret->port : is_safe ? 443 : 80;
    return 0;
}

/* One form: "local" and "unix:/dev/log" would be told the same twice. */
static bool parse_file(struct span text, struct target *ret, char out[PEER_URL_MAX + 1])
{
    struct span path = span_is(text, "local") ? SPAN_LIT("/dev/log") : span_sub(text, strlen("unix:"), text.len);
    if (path.len < 2 || path.len >= sizeof(ret->path) || path.data[0] != '/' || !utf8_valid(path))
        return false;
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] < ' ' || path.data[i] == 0x7f)
            return false;
    ret->way = TARGET_FILE;
    memcpy(ret->path, path.data, path.len);
    ret->path[path.len] = '\0';
    if (strcmp(ret->path, "/dev/log") == 0)
        snprintf(out, PEER_URL_MAX + 1, "local");
    else
        snprintf(out, PEER_URL_MAX + 1, "unix:%s", ret->path);
    return true;
}

int target_parse(struct span text, bool inside, struct target *ret, char out[PEER_URL_MAX + 1], struct err *err)
{
    struct span rest = {0};
    struct span mail = span_sub(text, strlen("mailto:"), text.len);
    *ret = (struct target){0};
    if (span_starts(text, SPAN_LIT("mailto:"))) {
        if (!mail_address_valid(mail))
            return wants(text, err);
        ret->way = TARGET_MAIL;
        snprintf(out, PEER_URL_MAX + 1, "mailto:%.*s", SPAN_ARGS(mail));
        return 0;
    }
    if (span_is(text, "local") || span_starts(text, SPAN_LIT("unix:")))
        return parse_file(text, ret, out) ? 0 : wants(text, err);
    if (text.len > PEER_URL_MAX || !parse_scheme(text, ret, &rest))
        return wants(text, err);
    if (ret->way == TARGET_HTTP)
        return parse_hook(text, inside, ret, out, err);
    if (ret->way == TARGET_SMTP || ret->way == TARGET_SMTPS || !parse_authority(rest, ret) || ret->port == 0)
        return wants(text, err);
    snprintf(out, PEER_URL_MAX + 1, "%.*s", SPAN_ARGS(text));
    return 0;
}

int target_parse_server(struct span text, struct target *ret, struct err *err)
{
    struct span rest = {0};
    char shown[200];
    *ret = (struct target){0};
    if (text.len < TELLER_SHOWN_MAX && parse_scheme(text, ret, &rest) &&
        (ret->way == TARGET_SMTP || ret->way == TARGET_SMTPS) && parse_authority(rest, ret))
        return 0;
    return err_set(err, ERR_USAGE, "%s: must be smtp://HOST[:PORT] or smtps://HOST[:PORT]",
                   text_escape_into(shown, sizeof(shown), text));
}
