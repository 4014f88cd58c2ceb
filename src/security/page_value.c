/* A value or an object: who said it first, who says it too, and what exactly. */
#include "security/pages.h"

#define ROWS_SHOWN 200
#define JSON_SHOWN ((size_t)128 * 1024) /* bytes of an object's JSON on the page */

/* ---- provenance ---- */

static void write_state(struct page *page, const struct intel_row *row)
{
    page_fmt(page, "<span class=\"state %s\">", row->current ? "good" : "quiet");
    page_say(page, row->current ? TR_MARK("current") : TR_MARK("replaced, taken back or expired"));
    page_raw(page, "</span>");
}

static const char *const headings[] = {TR_MARK("Reported by"), TR_MARK("When"), TR_MARK("Record"),
                                       TR_MARK("May be shared"), TR_MARK("State")};

static void write_provenance_row(struct page *page, const struct view *view, const struct intel_row *row)
{
    struct view_record record;
    struct err err;
    struct page_aside aside;
    bool names_itself = row->value[0] != '\0' && strcmp(row->name, row->value) == 0; /* the page's heading says it */
    page_table_row(page);
    page_origin_link(page, span_str(row->origin));
    page_table_cell(page, headings[1]);
    page_time(page, row->time_ms);
    page_table_cell(page, headings[2]);
    page_record_link(page, span_str(row->origin), RECORD_REF_INDEX(row->ref), span_str(names_itself ? "" : row->name));
    page_table_cell(page, headings[3]);
    page_aside_begin(&aside, page);
    if (view_record_brief(view, row->ref, &aside.arena, &record, &err) == 0 && record.parsed)
        page_tlp(page, record.record.tlp);
    page_aside_end(&aside);
    page_table_cell(page, headings[4]);
    write_state(page, row);
    page_table_row_end(page);
}

void page_provenance(struct page *page, const struct view *view, const struct intel_rows *rows)
{
    page_raw(page, "<section><h2>");
    page_say(page, TR_MARK("Who reports it"));
    page_raw(page, "</h2>\n");
    page_table(page, headings, sizeof(headings) / sizeof(headings[0]));
    for (size_t i = 0; i < rows->count; i++)
        write_provenance_row(page, view, &rows->rows[i]);
    page_table_end(page);
    if (rows->more) {
        page_raw(page, "<p class=\"quiet\">");
        page_sayf(page, TR(page, "Only the first {1} are shown."), SAY(say_number(rows->count)));
        page_raw(page, "</p>\n");
    }
    page_raw(page, "</section>\n");
}

/* Members, not records: the same one may have said it several times. */
static size_t count_reporters(const struct intel_rows *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        size_t k = 0;
        while (k < i && strcmp(rows->rows[k].origin, rows->rows[i].origin) != 0)
            k++;
        count += k == i;
    }
    return count;
}

static void write_first(struct page *page, const struct intel_rows *rows)
{
    const struct intel_row *first = &rows->rows[0];
    size_t reporters = count_reporters(rows);
    page_raw(page, "<p>");
    page_sayf(page, TR(page, "First reported by {1} on {2}."),
              SAY(say_origin(span_str(first->origin)), say_time(first->time_ms)));
    page_raw(page, " ");
    page_sayf(page, TRN(page, reporters, "One member says so.", "{1} members say so."), SAY(say_number(reporters)));
    page_raw(page, "</p>\n");
}

/* ---- the object ---- */

/* A table of an object; of what does not fit on a page the exact bytes are a link away. */
struct table {
    struct page *page;
    const struct json_tree *tree;
    size_t end; /* of the page, about */
};

static size_t room(const struct table *table)
{
    return table->page->out->len < table->end ? table->end - table->page->out->len : 0;
}

static void write_json_string(struct table *table, uint32_t node)
{
    struct span text = json_text(table->tree, node, table->page->request->arena);
    size_t shown = text.len < room(table) ? text.len : room(table);
    while (shown > 0 && shown < text.len && (text.data[shown] & 0xC0) == 0x80)
        shown--; /* not in the middle of a character */
    page_bdi(table->page, span_sub(text, 0, shown));
    page_raw(table->page, shown < text.len ? "…" : "");
}

static bool is_list_of_strings(const struct json_tree *tree, uint32_t node)
{
    const struct json_node *value = &tree->nodes[node];
    bool plain = value->type == JSON_T_ARRAY && value->next - node < 64;
    for (uint32_t at = json_first(tree, node); plain && at != 0 && at < value->next; at = tree->nodes[at].next)
        plain = tree->nodes[at].type == JSON_T_STRING;
    return plain;
}

static void write_json_value(struct table *table, uint32_t node)
{
    struct page *page = table->page;
    const struct json_tree *tree = table->tree;
    const struct json_node *value = &tree->nodes[node];
    if (value->type == JSON_T_STRING) {
        write_json_string(table, node);
    } else if (is_list_of_strings(tree, node)) {
        page_raw(page, "<ul class=\"plain\">");
        for (uint32_t at = json_first(tree, node); at != 0 && at < value->next; at = tree->nodes[at].next) {
            page_raw(page, "<li>");
            write_json_string(table, at);
            page_raw(page, "</li>");
        }
        page_raw(page, "</ul>");
    } else if (value->type == JSON_T_OBJECT || value->type == JSON_T_ARRAY) {
        (void)page_json(page, json_raw(tree, node), room(table));
    } else {
        page_esc(page, span_sub(json_raw(tree, node), 0, room(table)));
    }
}

static void write_json_table(struct page *page, const struct json_tree *tree)
{
    struct table table = {page, tree, page->out->len + JSON_SHOWN};
    const struct json_node *root = &tree->nodes[0];
    page_raw(page, "<dl class=\"facts\" lang=\"en\">\n");
    for (uint32_t at = json_first(tree, 0); at != 0 && at < root->next && room(&table) > 0; at = tree->nodes[at].next) {
        page_raw(page, "<div><dt>");
        page_brief(page, span_sub(tree->text, tree->nodes[at].key_at, tree->nodes[at].key_len));
        page_raw(page, "</dt><dd>");
        write_json_value(&table, at);
        page_raw(page, "</dd></div>\n");
    }
    page_raw(page, "</dl>\n");
    if (room(&table) > 0)
        return;
    page_raw(page, "<p class=\"quiet\">");
    page_say(page, TR_MARK("This is only the beginning; the rest is in the exact bytes."));
    page_raw(page, "</p>\n");
}

int page_stix_object(struct page *page, const struct view *view, const struct intel_row *row, struct err *err)
{
    struct view_record record;
    int rc = view_record_ref(view, row->ref, page->request->arena, &record, err);
    if (rc < 0 || !record.parsed)
        return rc == ERR_NOTFOUND ? 0 : rc;
    struct json_scanner *scanner = json_scanner_new();
    if (!scanner)
        return err_memory(err);
    const struct json_tree *tree;
    struct err ignored; /* no JSON: the record's own page shows it as it is */
    if (json_scan(scanner, record.record.body, &tree, &ignored) == 0) {
        page_raw(page, "<section><h2>");
        page_say(page, TR_MARK("What exactly is said"));
        page_raw(page, "</h2>\n<p>");
        page_sayf(page, TR(page, "In the words of {1}:"), SAY(say_origin(span_str(row->origin))));
        page_raw(page, "</p>\n");
        write_json_table(page, tree);
        page_raw(page, "<details><summary>");
        page_say(page, TR_MARK("As JSON (STIX)"));
        page_raw(page, "</summary>");
        (void)page_json(page, record.record.body, JSON_SHOWN);
        page_raw(page, "</details></section>\n");
    }
    json_scanner_free(scanner);
    return 0;
}

/* The row whose object is worth showing: the newest current one, else the newest. */
static const struct intel_row *newest(const struct intel_rows *rows)
{
    const struct intel_row *best = &rows->rows[0];
    for (size_t i = 1; i < rows->count; i++) {
        const struct intel_row *row = &rows->rows[i];
        if (row->current != best->current ? row->current : row->time_ms >= best->time_ms)
            best = row;
    }
    return best;
}

static int write_known(struct page *page, const struct view *view, const struct intel_rows *rows, struct err *err)
{
    write_first(page, rows);
    page_provenance(page, view, rows);
    int rc = page_stix_object(page, view, newest(rows), err);
    return rc < 0 ? rc : page_end(page, err);
}

int page_intelligence_value(const struct view *view, const struct http_request *request, struct http_reply *reply,
                            struct err *err)
{
    struct page page;
    struct buf value;
    struct intel_rows rows = {.arena = request->arena, .max = ROWS_SHOWN};
    enum ioc_type type = ioc_type_parse(http_query(request, "type"));
    buf_init(&value, SWEEP_TOKEN_MAX);
    int rc = ioc_canonical(type, http_query(request, "v"), &value, &type, err);
    if (rc < 0) {
        buf_done(&value);
        return http_problem(request, reply, 400, TR_MARK("Not understood"),
                            TR_MARK("This is no address, domain name, web address, hash or e-mail address."));
    }
    bool passed_over = false;
    rc = intel_value(view, type, buf_view(&value), intel_rows_keep, &rows, &passed_over, err);
    if (rc < 0)
        goto out;
    page_begin(&page, request, reply, "intelligence", TR_MARK("Indicator"));
    page_raw(&page, "<h1 class=\"long\">");
    page_bdi(&page, buf_view(&value));
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_esc(&page, span_str(page_ioc_words(&page, type)));
    page_raw(&page, "</p>\n");
    page_passed_over(&page, passed_over);
    if (rows.count > 0) {
        rc = write_known(&page, view, &rows, err);
        goto out;
    }
    page_raw(&page, "<p>");
    page_say(&page, TR_MARK("Nobody here reports this value."));
    page_raw(&page, "</p>\n");
    page_search_form(&page, buf_view(&value));
    rc = page_end(&page, err);
out:
    buf_done(&value);
    return rc;
}

struct by_id {
    struct span id;
    struct intel_rows rows;
};

static int keep_by_id(void *ctx, const struct intel_row *row, struct err *err)
{
    struct by_id *wanted = ctx;
    if (!row->stix_id || !span_is(wanted->id, row->stix_id))
        return 0;
    return intel_rows_keep(&wanted->rows, row, err);
}

int page_intelligence_object(const struct view *view, const struct http_request *request, struct http_reply *reply,
                             struct err *err)
{
    struct page page;
    struct by_id wanted = {.id = request->part[0], .rows = {.arena = request->arena, .max = ROWS_SHOWN}};
    bool passed_over = false;
    int rc = intel_search(view, wanted.id, SEARCH_RESULTS_MAX, keep_by_id, &wanted, &passed_over, err);
    if (rc < 0)
        return rc;
    if (wanted.rows.count == 0)
        return http_problem(request, reply, 404, TR_MARK("Not found"), TR_MARK("Nobody here reports this object."));
    const struct intel_row *row = newest(&wanted.rows);
    page_begin(&page, request, reply, "intelligence", TR_MARK("Object"));
    struct view_record record;
    page_raw(&page, "<h1>");
    if (view_record_ref(view, row->ref, request->arena, &record, err) < 0 || !record.parsed ||
        !page_object_name(&page, view, &record.record, false))
        page_bdi(&page, row->name[0] != '\0' ? span_str(row->name) : wanted.id);
    page_raw(&page, "</h1>\n<p class=\"lead\">");
    page_stix_type(&page, span_str(row->stix_type));
    page_raw(&page, " · <code class=\"long\">");
    page_esc(&page, wanted.id);
    page_raw(&page, "</code></p>\n");
    page_passed_over(&page, passed_over);
    return write_known(&page, view, &wanted.rows, err);
}
