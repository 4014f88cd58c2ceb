/* The inbox: what people of this node are told, each by its role; what one has read is read for oneself. */
#include <inttypes.h>
#include <stdio.h>

#include "http/account.h"
#include "state/notices.h"

#define INBOX_SHOWN 100

struct inbox {
    struct page *page;
    struct store *store;
    struct notice_query query;
    int64_t newest, oldest; /* numbers that are shown */
    size_t shown;
    bool more;
};

static int write_record(struct inbox *inbox, const struct notice *notice, struct err *err)
{
    struct log_info log;
    struct err gone = {0};
    char index[24];
    if (notice->ref == 0)
        return 0;
    int rc = store_log(inbox->store, RECORD_REF_LOG(notice->ref), &log, &gone);
    if (rc < 0)
        return rc == ERR_NOTFOUND ? 0 : err_set(err, rc, "%s", gone.text);
    snprintf(index, sizeof(index), "#%" PRIu64, RECORD_REF_INDEX(notice->ref));
    page_raw(inbox->page, " · ");
    page_record_link(inbox->page, span_str(log.origin), RECORD_REF_INDEX(notice->ref), span_str(index));
    return 0;
}

static int write_notice(void *ctx, const struct notice *notice, struct err *err)
{
    struct inbox *inbox = ctx;
    struct page *page = inbox->page;
    const struct notice_words *words = notice_words(notice->what);
    if (inbox->shown == INBOX_SHOWN) {
        inbox->more = true;
        return 0;
    }
    if (inbox->shown++ == 0)
        inbox->newest = notice->number;
    inbox->oldest = notice->number;
    page_raw(page, notice->is_read ? "<li class=\"read\"><span class=\"title\">" : "<li><span class=\"title\">");
    page_sayf(page, page_text(page, words->english),
              SAY(say_origin(span_str(notice->origin)), say_text(span_str(notice->values[0])),
                  say_text(span_str(notice->values[1]))));
    page_raw(page, "</span> <span class=\"about\">");
    page_say(page, notice_topic_label(words->topic));
    page_raw(page, " · ");
    page_ago(page, notice->time_ms);
    if (notice->count > 1) {
        page_raw(page, " · ");
        page_sayf(page, TRN(page, notice->count, "{1} time", "{1} times"), SAY(say_number(notice->count)));
    }
    int rc = write_record(inbox, notice, err);
    page_raw(page, "</span>");
    if (!notice->is_read) {
        char number[24];
        snprintf(number, sizeof(number), "%" PRId64, notice->number);
        account_button(page, "/inbox", "read", span_str(number), TR_MARK("Mark as read"));
    }
    page_raw(page, "</li>\n");
    return rc;
}

static void write_filter(struct page *page, unsigned topics, bool all)
{
    page_raw(page, "<form class=\"line\" method=\"get\" action=\"/inbox\"><label for=\"topic\">");
    page_say(page, TR_MARK("Topic"));
    page_raw(page, "</label> <select id=\"topic\" name=\"topic\"><option value=\"\">");
    page_say(page, TR_MARK("all topics"));
    page_raw(page, "</option>");
    for (unsigned i = 0; i < NOTICE_TOPICS; i++) {
        page_fmt(page, "<option value=\"%s\"%s>", notice_topic_word((enum notice_topic)i),
                 topics == 1u << i ? " selected" : "");
        page_say(page, notice_topic_label((enum notice_topic)i));
        page_raw(page, "</option>");
    }
    page_raw(page, "</select> <label><input type=\"checkbox\" name=\"all\" value=\"1\"");
    page_raw(page, all ? " checked> " : "> ");
    page_say(page, TR_MARK("also what you have read"));
    page_raw(page, "</label> <button type=\"submit\">");
    page_say(page, TR_MARK("Show"));
    page_raw(page, "</button></form>\n");
}

static int write_foot(struct inbox *inbox, struct err *err)
{
    struct page *page = inbox->page;
    uint64_t dropped = 0;
    if (inbox->shown == 0) {
        page_raw(page, "<p class=\"quiet\">");
        page_say(page, TR_MARK("Nothing to read here."));
        page_raw(page, "</p>\n");
    } else if (!inbox->query.topics && !inbox->query.before) {
        char number[24];
        snprintf(number, sizeof(number), "%" PRId64, inbox->newest);
        account_button(page, "/inbox", "all", span_str(number), TR_MARK("I have read all of it"));
    }
    if (inbox->more) {
        page_fmt(page, "<p><a href=\"/inbox?before=%" PRId64, inbox->oldest);
        for (unsigned i = 0; i < NOTICE_TOPICS; i++)
            if (inbox->query.topics == 1u << i)
                page_fmt(page, "&amp;topic=%s", notice_topic_word((enum notice_topic)i));
        page_raw(page, inbox->query.unread ? "\">" : "&amp;all=1\">");
        page_say(page, TR_MARK("Older ones"));
        page_raw(page, "</a></p>\n");
    }
    int rc = notice_dropped(inbox->store, &dropped, err);
    if (rc == 0 && dropped > 0) {
        page_raw(page, "<p class=\"quiet\">");
        page_sayf(page, TR(page, "{1} older ones had to go before anybody had read them."), SAY(say_number(dropped)));
        page_raw(page, "</p>\n");
    }
    return rc;
}

int page_inbox(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct page page;
    struct span topic = http_query(request, "topic");
    uint64_t before = 0;
    if (!account_may(request, reply, ACTION_INBOX))
        return 0;
    struct inbox inbox = {.page = &page, .store = view->store};
    inbox.query = (struct notice_query){.reader = request->visitor->user.number,
                                        .role = request->visitor->user.role,
                                        .topics = topic.len > 0 ? notice_topics_parse(topic) : 0,
                                        .unread = http_query(request, "all").len == 0,
                                        .max = INBOX_SHOWN + 1};
    struct span from = http_query(request, "before");
    if ((topic.len > 0 && inbox.query.topics == 0) || (from.len > 0 && !span_u64(from, INT64_MAX, &before)))
        return err_set(err, ERR_USAGE, "inbox: topic or place");
    inbox.query.before = (int64_t)before;
    page_begin(&page, request, reply, "", TR_MARK("Inbox"));
    reply->cache_control = "private, no-store";
    page_raw(&page, "<h1>");
    page_say(&page, TR_MARK("Inbox"));
    page_raw(&page, "</h1>\n");
    write_filter(&page, inbox.query.topics, !inbox.query.unread);
    page_raw(&page, "<ul class=\"records\">\n");
    int rc = notice_each(view->store, &inbox.query, write_notice, &inbox, err);
    page_raw(&page, "</ul>\n");
    if (rc == 0)
        rc = write_foot(&inbox, err);
    return rc < 0 ? rc : page_end(&page, err);
}

static int mark_read(struct store *store, const struct http_request *request, struct err *err)
{
    uint64_t number;
    struct span one = http_form_value(request, "read"), all = http_form_value(request, "all");
    if (!span_u64(all.len > 0 ? all : one, INT64_MAX, &number))
        return err_set(err, ERR_USAGE, "inbox: no number");
    int64_t reader = request->visitor->user.number;
    enum role role = request->visitor->user.role;
    return all.len > 0 ? notice_read_all(store, reader, role, (int64_t)number, err)
                       : notice_read(store, reader, role, (int64_t)number, err);
}

int page_inbox_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err)
{
    (void)view;
    if (!account_may(request, reply, ACTION_INBOX))
        return 0;
    int rc = account_write(request, mark_read, err);
    return rc < 0 ? rc : account_go(request, reply, "/inbox");
}
