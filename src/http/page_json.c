/* JSON on a page: indented, strings in the characters that they mean, still harmless. */
#include "base/json.h"
#include "http/page.h"

struct printer {
    struct page *page;
    const struct json_tree *tree;
    struct arena *arena;
    struct buf literal;
    size_t end; /* length of the page at which we stop */
    bool cut;
};

static void new_line(struct printer *printer, unsigned depth)
{
    page_raw(printer->page, "\n");
    for (unsigned i = 0; i < depth; i++)
        page_raw(printer->page, "  ");
}

static void print_string(struct printer *printer, struct span text, const char *class)
{
    buf_clear(&printer->literal);
    buf_json_string(&printer->literal, text);
    page_fmt(printer->page, "<span class=\"%s\">", class);
    page_esc(printer->page, buf_view(&printer->literal));
    page_raw(printer->page, "</span>");
}

/* As deep as json_scan lets a tree be: JSON_DEPTH_MAX. */
static void print_value(struct printer *printer, uint32_t node, unsigned depth)
{
    const struct json_node *value = &printer->tree->nodes[node];
    if (value->type == JSON_T_STRING) {
        print_string(printer, json_text(printer->tree, node, printer->arena), "json-string");
        return;
    }
    if (value->type != JSON_T_OBJECT && value->type != JSON_T_ARRAY) {
        page_raw(printer->page, "<span class=\"json-other\">");
        page_esc(printer->page, json_raw(printer->tree, node));
        page_raw(printer->page, "</span>");
        return;
    }
    bool is_object = value->type == JSON_T_OBJECT;
    uint32_t child = json_first(printer->tree, node);
    page_raw(printer->page, is_object ? "{" : "[");
    for (uint32_t at = child; at != 0 && at < value->next; at = printer->tree->nodes[at].next) {
        if (printer->page->out->len >= printer->end) {
            printer->cut = true;
            return;
        }
        if (at != child)
            page_raw(printer->page, ",");
        new_line(printer, depth + 1);
        if (is_object) {
            const struct json_node *member = &printer->tree->nodes[at];
            page_raw(printer->page, "<span class=\"json-key\">\"");
            page_esc(printer->page, span_sub(printer->tree->text, member->key_at, member->key_len));
            page_raw(printer->page, "\"</span>: ");
        }
        print_value(printer, at, depth + 1);
        if (printer->cut)
            return;
    }
    if (child != 0)
        new_line(printer, depth);
    page_raw(printer->page, is_object ? "}" : "]");
}

bool page_json(struct page *page, struct span text, size_t max)
{
    struct json_scanner *scanner = json_scanner_new();
    struct printer printer = {.page = page, .arena = page->request->arena, .end = page->out->len + max};
    struct err err;
    bool is_json = scanner && json_scan(scanner, text, &printer.tree, &err) == 0;
    if (is_json) {
        buf_init(&printer.literal, page->out->max);
        page_raw(page, "<pre class=\"json\" dir=\"ltr\" tabindex=\"0\">");
        print_value(&printer, 0, 0);
        page_raw(page, printer.cut ? "\n…</pre>\n" : "</pre>\n");
        if (printer.cut) {
            page_raw(page, "<p class=\"quiet\">");
            page_say(page, TR_MARK("This is only the beginning; the rest is in the exact bytes."));
            page_raw(page, "</p>\n");
        }
        buf_done(&printer.literal);
    }
    json_scanner_free(scanner);
    return is_json;
}
