/* JSON on a page: indented, strings in the characters that they mean, still harmless. */
#include "http/page.h"

#include "base/json.h"
#include "base/limits.h"

struct printer {
    struct page *page;
    const struct json_tree *tree;
    struct arena *arena;
    struct buf literal;
    uint32_t open[JSON_DEPTH_MAX + 1]; /* objects and arrays that we are in */
    unsigned depth;
    size_t end; /* of the page, about: what would go beyond is cut */
    bool cut;
};

/* Text of others, which alone may be longer than the whole page should be. */
static void print_text(struct printer *printer, struct span text)
{
    size_t at = printer->page->out->len, room = at < printer->end ? printer->end - at : 0;
    size_t shown = text.len < room ? text.len : room;
    printer->cut = printer->cut || shown < text.len;
    while (shown > 0 && shown < text.len && (text.data[shown] & 0xC0) == 0x80)
        shown--; /* not in the middle of a character */
    page_esc(printer->page, span_sub(text, 0, shown));
}

static void new_line(struct printer *printer)
{
    page_raw(printer->page, "\n");
    for (unsigned i = 0; i < printer->depth; i++)
        page_raw(printer->page, "  ");
}

static void close_one(struct printer *printer)
{
    uint32_t node = printer->open[--printer->depth];
    new_line(printer);
    page_raw(printer->page, printer->tree->nodes[node].type == JSON_T_OBJECT ? "}" : "]");
}

static void print_string(struct printer *printer, struct span text)
{
    buf_clear(&printer->literal);
    buf_json_string(&printer->literal, text);
    page_raw(printer->page, "<span class=\"json-string\">");
    print_text(printer, buf_view(&printer->literal));
    page_raw(printer->page, "</span>");
}

/* A comma if something stands before it, a new line, its name. */
static void print_place(struct printer *printer, uint32_t node)
{
    const struct json_node *value = &printer->tree->nodes[node];
    uint32_t parent = printer->open[printer->depth - 1];
    if (node != parent + 1)
        page_raw(printer->page, ",");
    new_line(printer);
    if (printer->tree->nodes[parent].type != JSON_T_OBJECT)
        return;
    page_raw(printer->page, "<span class=\"json-key\">\"");
    print_text(printer, span_sub(printer->tree->text, value->key_at, value->key_len));
    page_raw(printer->page, "\"</span>: ");
}

static void print_value(struct printer *printer, uint32_t node)
{
    const struct json_node *value = &printer->tree->nodes[node];
    bool is_object = value->type == JSON_T_OBJECT;
    if (value->type == JSON_T_STRING) {
        print_string(printer, json_text(printer->tree, node, printer->arena));
    } else if (!is_object && value->type != JSON_T_ARRAY) {
        page_raw(printer->page, "<span class=\"json-other\">");
        print_text(printer, json_raw(printer->tree, node));
        page_raw(printer->page, "</span>");
    } else if (value->next == node + 1 || printer->depth > JSON_DEPTH_MAX) {
        page_raw(printer->page, is_object ? "{}" : "[]");
    } else {
        page_raw(printer->page, is_object ? "{" : "[");
        printer->open[printer->depth++] = node;
    }
}

/* The nodes stand in the order of the text. False: stopped where the page should end. */
static bool print_tree(struct printer *printer)
{
    for (uint32_t node = 0; node < printer->tree->count; node++) {
        while (printer->depth > 0 && printer->tree->nodes[printer->open[printer->depth - 1]].next <= node)
            close_one(printer);
        if (printer->cut || printer->page->out->len >= printer->end)
            return false;
        if (printer->depth > 0)
            print_place(printer, node);
        print_value(printer, node);
    }
    while (printer->depth > 0)
        close_one(printer);
    return !printer->cut;
}

bool page_json(struct page *page, struct span text, size_t max)
{
    struct json_scanner *scanner = json_scanner_new();
    struct printer printer = {.page = page, .arena = page->request->arena};
    struct err err;
    bool is_json = scanner && json_scan(scanner, text, &printer.tree, &err) == 0;
    if (is_json) {
        buf_init(&printer.literal, page->out->max);
        page_raw(page, "<pre class=\"json\" dir=\"ltr\" tabindex=\"0\">");
        printer.end = page->out->len + max;
        bool whole = print_tree(&printer);
        page_raw(page, whole ? "</pre>\n" : "\n…</pre>\n");
        if (!whole) {
            page_raw(page, "<p class=\"quiet\">");
            page_say(page, TR_MARK("This is only the beginning; the rest is in the exact bytes."));
            page_raw(page, "</p>\n");
        }
        buf_done(&printer.literal);
    }
    json_scanner_free(scanner);
    return is_json;
}
