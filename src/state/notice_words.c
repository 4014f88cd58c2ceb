/* What there is to tell people. */
#include "state/notices.h"

#include <assert.h>
#include <stdio.h>

#include "base/json.h"
#include "base/when.h"

#define TR_MARK(english) english /* translated by whoever shows it (http/page.h) */

static const struct notice_words table[NOTICE_WHATS] = {
    [NOTICE_CONTENT_HELD] = {NOTICE_HELD, ROLE_ANALYST, false, "content-held",
                             TR_MARK("Policy holds a content of {1} until somebody decides.")},
    [NOTICE_CONTENT_REFUSED] = {NOTICE_REFUSED, ROLE_ANALYST, false, "content-refused",
                                TR_MARK("Policy refused a content of {1}.")},
    [NOTICE_ROSTER_WAITS] = {NOTICE_COMMUNITY, ROLE_PUBLISHER, true, "roster-waits",
                             TR_MARK("Version {3} of the roster of {2} waits for your endorsement.")},
    [NOTICE_LISTS_WAIT] = {NOTICE_DRAFT, ROLE_ANALYST, true, "lists-wait",
                           TR_MARK("{2} advises something by a list, or takes it back: that waits for your word.")},
    [NOTICE_PEER_FAILS] = {NOTICE_PEER, ROLE_ADMINISTRATOR, true, "peer-fails",
                           TR_MARK("The peer {2} has not answered for long: {3}")},
    [NOTICE_PEER_BACK] = {NOTICE_PEER, ROLE_ADMINISTRATOR, true, "peer-back", TR_MARK("The peer {2} answers again.")},
    [NOTICE_PEER_ASIDE] = {NOTICE_PEER, ROLE_ADMINISTRATOR, true, "peer-aside",
                           TR_MARK("The peer {2} was set aside, for what it said cannot be true: {3}")},
    [NOTICE_FORK_FOUND] = {NOTICE_FORK, ROLE_READER, false, "fork-found",
                           TR_MARK("{1} has signed two histories. The proof is published, its log frozen.")},
    [NOTICE_LOG_SUSPENDED] = {NOTICE_LOG, ROLE_READER, false, "log-suspended",
                              TR_MARK("The log of {1} was set aside: what it signed contradicts what is here.")},
    [NOTICE_LOG_CONTINUED] = {NOTICE_LOG, ROLE_READER, false, "log-continued",
                              TR_MARK("{1} goes on for the log of {2}, which is followed here.")},
    [NOTICE_CONTENT_ERASED] = {NOTICE_ERASURE, ROLE_READER, false, "content-erased",
                               TR_MARK("{1} has withdrawn a content; it is erased here.")},
    [NOTICE_SIGN_IN_FAILS] = {NOTICE_SECURITY, ROLE_ADMINISTRATOR, false, "sign-in-fails",
                              TR_MARK("Somebody at {2} fails to sign in again and again.")},
    [NOTICE_CERTIFICATE_ENDS] = {NOTICE_SECURITY, ROLE_ADMINISTRATOR, true, "certificate-ends",
                                 TR_MARK("The certificate {2} is good until {3}.")},
    [NOTICE_DISK_FULL] = {NOTICE_OVERDUE, ROLE_ADMINISTRATOR, false, "disk-full",
                          TR_MARK("The disk of this node is nearly full: {3} are left.")},
    [NOTICE_CONTENT_OBJECTED] = {NOTICE_DECISION, ROLE_PUBLISHER, false, "content-objected",
                                 TR_MARK("A visitor objects to a content of {1}.")},
    [NOTICE_MEMBERS_OBJECT] = {NOTICE_DECISION, ROLE_PUBLISHER, true, "members-object",
                               TR_MARK("Members object to contents, or answer objections, and wait for a decision.")},
    [NOTICE_VULNERABILITY_OVERDUE] = {NOTICE_OVERDUE, ROLE_PUBLISHER, true, "vulnerability-overdue",
                                      TR_MARK("{2} was to be open to everybody by {3}: open it.")},
    [NOTICE_RECEIPT_CAME] = {NOTICE_RECEIPT, ROLE_READER, false, "receipt-came",
                             TR_MARK("{1} has confirmed contents that were for it.")},
    [NOTICE_RECEIPT_WRONG] = {NOTICE_RECEIPT, ROLE_ANALYST, false, "receipt-wrong",
                              TR_MARK("{1} confirms contents that it cannot have had: its proof is not valid.")},
    [NOTICE_RECEIPT_OUTSIDE] = {NOTICE_RECEIPT, ROLE_ANALYST, false, "receipt-outside",
                                TR_MARK("{1} has a content that was not for it, and proves so.")},
    [NOTICE_TELLER_FAILS] = {NOTICE_OVERDUE, ROLE_ADMINISTRATOR, true, "teller-fails",
                             TR_MARK("Notices do not reach {2}: {3}")},
    [NOTICE_DECIDED_BY_CESSION] = {NOTICE_DECISION, ROLE_PUBLISHER, false, "decided-by-cession",
                                   TR_MARK("{1} decided about a content here, by a power that was ceded to it.")},
};

static const char *const topics[NOTICE_TOPICS] = {
    [NOTICE_HELD] = "held",         [NOTICE_REFUSED] = "refused",   [NOTICE_DRAFT] = "draft",
    [NOTICE_REQUEST] = "request",   [NOTICE_DECISION] = "decision", [NOTICE_COMMUNITY] = "community",
    [NOTICE_PEER] = "peer",         [NOTICE_FORK] = "fork",         [NOTICE_LOG] = "log",
    [NOTICE_ERASURE] = "erasure",   [NOTICE_RECEIPT] = "receipt",   [NOTICE_OVERDUE] = "overdue",
    [NOTICE_SECURITY] = "security",
};

static const char *const labels[NOTICE_TOPICS] = {
    [NOTICE_HELD] = TR_MARK("held contents"), [NOTICE_REFUSED] = TR_MARK("refused contents"),
    [NOTICE_DRAFT] = TR_MARK("drafts"),       [NOTICE_REQUEST] = TR_MARK("requests"),
    [NOTICE_DECISION] = TR_MARK("decisions"), [NOTICE_COMMUNITY] = TR_MARK("of a community"),
    [NOTICE_PEER] = TR_MARK("peers"),         [NOTICE_FORK] = TR_MARK("forks"),
    [NOTICE_LOG] = TR_MARK("logs"),           [NOTICE_ERASURE] = TR_MARK("erasures"),
    [NOTICE_RECEIPT] = TR_MARK("receipts"),   [NOTICE_OVERDUE] = TR_MARK("overdue"),
    [NOTICE_SECURITY] = TR_MARK("security"),
};

const struct notice_words *notice_words(enum notice_what what)
{
    assert((unsigned)what < NOTICE_WHATS && table[what].word);
    return &table[what];
}

const char *notice_topic_word(enum notice_topic topic)
{
    assert((unsigned)topic < NOTICE_TOPICS);
    return topics[topic];
}

const char *notice_topic_label(enum notice_topic topic)
{
    assert((unsigned)topic < NOTICE_TOPICS);
    return labels[topic];
}

bool notice_topic_parse(struct span word, enum notice_topic *ret)
{
    for (int i = 0; i < NOTICE_TOPICS; i++)
        if (span_is(word, topics[i])) {
            *ret = (enum notice_topic)i;
            return true;
        }
    return false;
}

unsigned notice_topics_parse(struct span text)
{
    unsigned set = 0;
    for (;;) {
        enum notice_topic topic;
        size_t comma = span_find(text, ',');
        if (!notice_topic_parse(span_sub(text, 0, comma), &topic) || (set & 1u << topic) != 0)
            return 0;
        set |= 1u << topic;
        if (comma == text.len)
            return set;
        text = span_sub(text, comma + 1, text.len);
    }
}

void notice_topics_format(unsigned set, char out[NOTICE_TOPICS_TEXT_MAX])
{
    int len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < NOTICE_TOPICS; i++)
        if (set & 1u << i)
            len += snprintf(out + len, NOTICE_TOPICS_TEXT_MAX - (size_t)len, "%s%s", len > 0 ? "," : "", topics[i]);
}

void notice_fill(const char *text, const char *const *slots, size_t count, struct buf *out)
{
    for (const char *at = text; *at; at++) {
        if (*at == '{' && at[1] >= '1' && (size_t)(at[1] - '1') < count && at[2] == '}') {
            const char *slot = slots[at[1] - '1'];
            buf_str(out, slot ? slot : "");
            at += 2;
        } else {
            buf_byte(out, (uint8_t)*at);
        }
    }
}

void notice_sentence(const struct notice *notice, const char *sentence, bool full, struct buf *out)
{
    static const char left_out[] = "\xe2\x80\xa6"; /* an ellipsis */
    char origin[ORIGIN_MAX + 1] = "";
    if (notice->origin)
        origin_short(span_str(notice->origin), origin);
    const char *slots[] = {origin, full ? notice->values[0] : left_out, full ? notice->values[1] : left_out};
    notice_fill(sentence, slots, sizeof(slots) / sizeof(*slots), out);
}

void notice_english(const struct notice *notice, struct buf *out)
{
    notice_sentence(notice, notice_words(notice->what)->english, true, out);
    if (notice->count > 1)
        buf_fmt(out, " (%llu times)", (unsigned long long)notice->count);
}

int notice_record(struct store *store, const struct notice *notice, struct buf *out, struct err *err)
{
    struct log_info log;
    struct err gone = {0};
    if (notice->ref == 0)
        return 0;
    int rc = store_log(store, RECORD_REF_LOG(notice->ref), &log, &gone);
    if (rc == 0)
        buf_fmt(out, "%s/%llu", log.origin, (unsigned long long)RECORD_REF_INDEX(notice->ref));
    return rc == 0 || rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", gone.text);
}

int notice_json(struct store *store, const struct notice *notice, bool full, const char *id, struct buf *out,
                struct err *err)
{
    const struct notice_words *words = notice_words(notice->what);
    char time[WHEN_TEXT_LEN + 1], first[WHEN_TEXT_LEN + 1];
    struct buf text;
    when_format(notice->time_ms, time);
    when_format(notice->first_ms, first);
    if (id)
        buf_fmt(out, "{\"id\":\"%s\"", id);
    else
        buf_fmt(out, "{\"id\":%lld", (long long)notice->number);
    buf_fmt(out, ",\"topic\":\"%s\",\"what\":\"%s\",\"time\":\"%s\",\"first\":\"%s\",\"count\":%llu",
            notice_topic_word(words->topic), words->word, time, first, (unsigned long long)notice->count);
    if (notice->origin[0]) {
        buf_str(out, ",\"origin\":");
        buf_json_string(out, span_str(notice->origin));
    }
    buf_init(&text, 8192);
    int rc = notice_record(store, notice, &text, err);
    if (rc == 0 && text.len > 0) {
        buf_str(out, ",\"record\":");
        buf_json_string(out, buf_view(&text));
    }
    if (full) {
        buf_clear(&text);
        notice_english(notice, &text);
        buf_str(out, ",\"text\":");
        buf_json_string(out, buf_view(&text));
    }
    buf_byte(out, '}');
    buf_done(&text);
    return rc;
}
