/*
 * What somebody would say, as a form or a program sends it: checked, written as a record, previewed. The page that publishes,
 * its live preview and POST /api/preview begin with it.
 */
#ifndef TONGZHOU_CONNECT_PUBLISH_FORM_H
#define TONGZHOU_CONNECT_PUBLISH_FORM_H

#include "connect/preview.h"
#include "connect/publishing.h"
#include "http/route.h"

#define PUBLISH_SEEN_LEN 32 /* hex digits */

/* As it was typed; in the request's arena or body. `to`: one a line. `seen`: of the preview that was shown. */
struct publish_form {
    struct span kind, tlp, to, lang, type, body, seen;
    bool keep;
};

struct publish_form publish_form_read(const struct http_request *request);

struct publish_draft {
    struct log_info log;
    struct buf text;           /* the record */
    const char *wrong;         /* why it may not be said, a source text; NULL: it may */
    char detail[ERR_TEXT_MAX]; /* {1} of `wrong`; "" none */
    bool has_preview;
    struct preview preview; /* in the request's arena */
    char seen[PUBLISH_SEEN_LEN + 1];
};

/* Under whose name the visitor speaks, who may publish: a guest under its member's, all others under the operator's. */
int publish_author(const struct view *view, const struct http_request *request, struct log_info *ret, struct err *err);

/* Done with publish_draft_done in every case. What is wrong with the draft is no error. */
int publish_draft_make(const struct view *view, const struct http_request *request, const struct publish_form *typed,
                       struct publish_draft *ret, struct err *err);
void publish_draft_done(struct publish_draft *draft);

struct page;

/* Who gets it and who does not, on a page. */
void page_preview(struct page *page, const struct preview *preview);

#endif
