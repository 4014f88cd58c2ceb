/* The pages that every node has: Home, Members, Record; and how they speak of records, for other capabilities' pages. */
#ifndef TONGZHOU_CONNECT_PAGES_H
#define TONGZHOU_CONNECT_PAGES_H

#include "http/page.h"

#define CONNECT_PAGE_ROUTES 15
extern const struct route connect_page_routes[CONNECT_PAGE_ROUTES];
extern const size_t connect_page_route_count;

/* ---- pieces ---- */

/* "threat intelligence" for security/stix; a kind that we have no words for stands as it is. */
void page_kind(struct page *page, struct span kind);

/* A small sign "TLP:CLEAR"; nothing for TLP_NONE. */
void page_tlp(struct page *page, enum tlp tlp);

/* " TLP:AMBER for cert.example.org/k5xq…": what is not for everybody, and for whom; nothing for TLP:CLEAR. */
void page_audience(struct page *page, enum tlp tlp, const struct span *to, size_t count);

const char *page_class_words(const struct page *page, enum member_class class);

/* Was the name found to be this member's own: "verified by DNS, 2 days ago", or "claimed". */
void page_name_state(struct page *page, const struct view *view, const char *origin);

/* The same page with an arena of its own for one record of a list: what others wrote is as long as they please, and of
 * many records together the request's arena would not hold one more. */
struct page_aside {
    struct page page;
    struct http_request request;
    struct arena arena;
};
void page_aside_begin(struct page_aside *aside, const struct page *page);
void page_aside_end(struct page_aside *aside);

/* Others' words where there is room for a line: cut at 200 bytes, in <bdi>. */
void page_brief(struct page *page, struct span text);

/* What a record is about, in the page's language; nothing, and false, if its capability has no words for it. */
bool page_title(struct page *page, const struct view *view, const struct record *record);
bool connect_page_title(struct page *page, const struct view *view, const struct record *record);

/* One record of a list: title, kind, reporter (not with `of_one`, where all are one member's), time. */
void page_row(struct page *page, const struct view *view, const struct view_row *row, bool of_one);

/* SOURCE#NAME of a list of others, the source linked. */
void page_list_name(struct page *page, const struct list_address *address);

/* Labels that were adopted from lists, with whose they are; nothing without any. */
int page_labels(struct page *page, const struct view *view, const struct view_record *record, struct err *err);

/* Bytes as hex with a gap every four characters that is not copied along; or such a text. */
void page_fingerprint(struct page *page, struct span text);

/* `<div><dt>LABEL</dt><dd>` and its end, in a `<dl class="facts">`. */
void page_fact(struct page *page, const char *label);
void page_fact_end(struct page *page);

/* The same as JSON. */
int labels_json(const struct view *view, const struct view_record *record, struct buf *out, struct err *err);

/* ---- handlers ---- */

int page_home(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_members(const struct view *view, const struct http_request *request, struct http_reply *reply,
                 struct err *err);
int page_member(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_record(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_record_raw(const struct view *view, const struct http_request *request, struct http_reply *reply,
                    struct err *err);
int page_record_entry(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err);
int page_record_labels(const struct view *view, const struct http_request *request, struct http_reply *reply,
                       struct err *err);
int page_oidc(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int page_oidc_back(const struct view *view, const struct http_request *request, struct http_reply *reply,
                   struct err *err);
int page_publish(const struct view *view, const struct http_request *request, struct http_reply *reply,
                 struct err *err);
int page_publish_post(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err);
int page_publish_preview(const struct view *view, const struct http_request *request, struct http_reply *reply,
                         struct err *err);
int route_preview(const struct view *view, const struct http_request *request, struct http_reply *reply,
                  struct err *err);
int page_record_proof(const struct view *view, const struct http_request *request, struct http_reply *reply,
                      struct err *err);

int page_record_receipts(const struct view *view, const struct http_request *request, struct http_reply *reply,
                         struct err *err);

/* On the page of a record for few: who has confirmed it. Nothing for others than its author's people. */
int page_receipts(struct page *page, const struct view *view, const struct view_record *record, struct err *err);

/* The log that parts 0 and 1 of the path name (NAME, 52 characters). ERR_NOTFOUND also for what is no origin. */
int page_find_log(const struct view *view, const struct http_request *request, struct log_info *ret, struct err *err);

/* The record that parts 0 to 2 name; likewise. */
int page_find_record(const struct view *view, const struct http_request *request, struct view_record *ret,
                     struct err *err);

/* The logs that the view sees: the operator's first, then by origin; in the request's arena. */
int page_collect_logs(const struct view *view, const struct http_request *request, struct log_info **ret,
                      size_t *ret_count, struct err *err);

#endif
