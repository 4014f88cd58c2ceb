/* The Intelligence pages: search as one types, a value's or object's page with provenance, sweeping an uploaded file. */
#ifndef TONGZHOU_SECURITY_PAGES_H
#define TONGZHOU_SECURITY_PAGES_H

#include "base/json.h"
#include "connect/pages.h"
#include "security/intel.h"

#define SECURITY_PAGE_ROUTES 8
extern const struct route security_page_routes[SECURITY_PAGE_ROUTES];
extern const size_t security_page_route_count;

/* ---- pieces ---- */

const char *page_ioc_words(const struct page *page, enum ioc_type type);
void page_stix_type(struct page *page, struct span type);

/* A value comes from others: `/intelligence/value?type=T&v=V`. */
void page_value_link(struct page *page, enum ioc_type type, struct span value);

/* What a record with a STIX object is about: its name, and in front of it its type; of a relationship the names of its
 * ends. False, and nothing written: it holds no STIX object. */
bool page_object_name(struct page *page, const struct view *view, const struct record *record, bool with_type);
bool security_page_title(struct page *page, const struct view *view, const struct record *record);

/* The form that asks; `text` is what was asked before. */
void page_search_form(struct page *page, struct span text);
/* The form that takes a file to sweep. */
void page_sweep_form(struct page *page);

/* Rows that an intel_* call gave, kept in the request's arena. */
struct intel_rows {
    struct arena *arena;
    size_t max, count;
    bool more; /* there were more than max */
    struct intel_row *rows;
};
int intel_rows_keep(void *ctx, const struct intel_row *row,
                    struct err *err); /* ctx: struct intel_rows, arena and max set */

/* Who says it, since when, still or no more: a table of rows in canonical order. */
void page_provenance(struct page *page, const struct view *view, const struct intel_rows *rows);

/* A paragraph which says that the answer lacks long records, if it does. */
void page_passed_over(struct page *page, bool passed_over);

/* The STIX object of a record, as a table and as JSON. */
int page_stix_object(struct page *page, const struct view *view, const struct intel_row *row, struct err *err);

/* Of vulnerabilities: their title, and on the page of each version for how long it was withheld. */
bool vulnerability_page_title(struct page *page, const struct record *record);
int vulnerability_page_about(struct page *page, const struct view *view, const struct view_record *record,
                             struct err *err);

/* ---- handlers ---- */

int page_intelligence(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err);
int page_intelligence_results(const struct view *view, const struct http_request *request, struct http_reply *reply,
                              struct err *err);
int page_intelligence_value(const struct view *view, const struct http_request *request, struct http_reply *reply,
                            struct err *err);
int page_intelligence_object(const struct view *view, const struct http_request *request, struct http_reply *reply,
                             struct err *err);
int page_intelligence_home(const struct view *view, const struct http_request *request, struct http_reply *reply,
                           struct err *err);
int page_vulnerabilities(const struct view *view, const struct http_request *request, struct http_reply *reply,
                         struct err *err);
int route_vulnerabilities(const struct view *view, const struct http_request *request, struct http_reply *reply,
                          struct err *err);
int page_sweep(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);

#endif
