/* Labels that somebody here has adopted from lists of others: whose they are, and what their sources say. */
#include <stdio.h>

#include "base/json.h"
#include "base/when.h"
#include "connect/pages.h"

#define LABELS_SHOWN 100 /* a list may have thousands for one record */

void page_list_name(struct page *page, const struct list_address *address)
{
    if (strcmp(address->source, LIST_FILE_SOURCE) == 0)
        page_say(page, TR_MARK("a file"));
    else
        page_origin_link(page, span_str(address->source));
    page_raw(page, "<span class=\"fingerprint\">#");
    page_esc(page, span_str(address->name));
    page_raw(page, "</span>");
}

/* ---- on a page ---- */

struct writing {
    struct page *page;
    size_t count;
};

static int write_label(void *ctx, const struct view_label *label, struct err *err)
{
    struct writing *writing = ctx;
    struct page *page = writing->page;
    (void)err;
    if (writing->count++ >= LABELS_SHOWN)
        return 0;
    if (writing->count == 1) {
        page_raw(page, "<section><h2>");
        page_say(page, TR_MARK("Labels"));
        page_raw(page, "</h2>\n<ul class=\"plain\">\n");
    }
    page_raw(page, "<li><strong>");
    page_bdi(page, span_str(label->item->label));
    page_raw(page, "</strong>");
    if (label->item->reason[0]) {
        page_raw(page, ": ");
        page_bdi(page, span_str(label->item->reason));
    }
    page_raw(page, " <span class=\"about\">");
    page_say(page, TR_MARK("by the list"));
    page_raw(page, " ");
    page_list_name(page, &label->word->address);
    page_raw(page, " · ");
    if (label->is_inside) {
        page_sayf(page, TR(page, "adopted by {1}, {2}"),
                  SAY(say_text(span_str(label->word->who)), say_ago(label->word->time_ms)));
        page_raw(page, ": ");
        page_bdi(page, span_str(label->word->reason));
    } else {
        page_sayf(page, TR(page, "adopted here, {1}"), SAY(say_ago(label->word->time_ms)));
    }
    page_raw(page, "</span></li>\n");
    return 0;
}

int page_labels(struct page *page, const struct view *view, const struct view_record *record, struct err *err)
{
    struct writing writing = {.page = page};
    if (!record->has_text)
        return 0;
    int rc = view_labels(view, record->log.origin, record->index, write_label, &writing, err);
    if (writing.count > 0)
        page_raw(page, "</ul>\n");
    if (writing.count > LABELS_SHOWN) {
        page_raw(page, "<p class=\"quiet\">");
        page_sayf(page, TR(page, "and {1} more"), SAY(say_number(writing.count - LABELS_SHOWN)));
        page_raw(page, "</p>\n");
    }
    if (writing.count > 0)
        page_raw(page, "</section>\n");
    return rc;
}

/* ---- for programs ---- */

static void put_text(struct buf *out, const char *key, const char *text)
{
    buf_fmt(out, ",\"%s\":", key);
    buf_json_string(out, span_str(text));
}

static int put_label(void *ctx, const struct view_label *label, struct err *err)
{
    struct buf *out = ctx;
    char time[WHEN_TEXT_LEN + 1], list[LIST_SOURCE_MAX + LIST_NAME_MAX + 2];
    when_format(label->word->time_ms, time);
    snprintf(list, sizeof(list), "%s#%s", label->word->address.source, label->word->address.name);
    buf_str(out, out->data[out->len - 1] == '[' ? "{\"label\":" : ",{\"label\":");
    buf_json_string(out, span_str(label->item->label));
    if (label->item->reason[0])
        put_text(out, "reason", label->item->reason);
    put_text(out, "list", list);
    put_text(out, "adopted", time);
    if (label->is_inside) {
        put_text(out, "by", label->word->who);
        put_text(out, "because", label->word->reason);
    }
    buf_byte(out, '}');
    return buf_check(out, "labels", err);
}

int labels_json(const struct view *view, const struct view_record *record, struct buf *out, struct err *err)
{
    buf_str(out, "{\"labels\":[");
    int rc = view_labels(view, record->log.origin, record->index, put_label, out, err);
    buf_str(out, "]}\n");
    return rc < 0 ? rc : buf_check(out, "labels", err);
}
