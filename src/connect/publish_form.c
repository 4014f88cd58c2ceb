/* What was typed into the form, or sent by a program: the same questions and answers as `tongzhou publish`. */
#include "connect/publish_form.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "http/page.h"
#include "http/visitor.h"

struct publish_form publish_form_read(const struct http_request *request)
{
    return (struct publish_form){.kind = span_trim(http_form_value(request, "kind")),
                                 .tlp = http_form_value(request, "tlp"),
                                 .to = http_form_value(request, "to"),
                                 .lang = span_trim(http_form_value(request, "lang")),
                                 .type = span_trim(http_form_value(request, "type")),
                                 .body = http_form_value(request, "body"),
                                 .seen = http_form_value(request, "seen"),
                                 .keep = http_form_value(request, "keep").len > 0};
}

static struct publishing_count count_names(struct span text)
{
    struct publishing_count count = {0};
    while (text.len > 0) {
        size_t end = span_find(text, '\n');
        struct span name = span_trim(span_sub(text, 0, end));
        count.all += name.len > 0;
        count.persons += publishing_is_person(name);
        text = span_sub(text, end + 1, text.len);
    }
    return count;
}

/* A source text, or NULL. */
static const char *fault_of(const struct publish_form *typed, enum tlp tlp)
{
    if (!publishing_kind_valid(typed->kind))
        return TR_MARK("The kind has to be capability/name, lower-case letters, digits and hyphens, and one that is "
                       "not in the log in full.");
    if (tlp == TLP_NONE)
        return TR_MARK("A marking is needed: nothing has a default audience.");
    switch (publishing_check(tlp, count_names(typed->to), typed->keep)) {
    case PUBLISHING_RIGHT:
        break;
    case PUBLISHING_TOO_MANY:
        return TR_MARK("Too many names: a group names more.");
    case PUBLISHING_KEPT_AND_NAMED:
        return TR_MARK("What is kept here goes to nobody: leave the names out.");
    case PUBLISHING_CLEAR_KEPT:
    case PUBLISHING_CLEAR_NAMED:
        return TR_MARK("TLP:CLEAR is for everybody: leave the names out, and do not keep it here.");
    case PUBLISHING_RED_MEMBERS:
        return TR_MARK("TLP:RED is for named persons, and no member is a person: write the member and behind it the "
                       "person's account there, or choose amber+strict.");
    case PUBLISHING_PERSONS_NOT_RED:
        return TR_MARK("Persons are named with TLP:RED alone: name their members.");
    case PUBLISHING_NOBODY:
        return TR_MARK("This would be for nobody: name members, or keep it here.");
    }
    return NULL;
}

static int read_names(const struct view *view, struct span text, struct named_audience *audience, struct err *err)
{
    int rc = 0;
    while (rc == 0 && text.len > 0) {
        size_t end = span_find(text, '\n');
        struct span name = span_trim(span_sub(text, 0, end));
        if (name.len > 0)
            rc = publishing_name(view, name, false, audience, err);
        text = span_sub(text, end + 1, text.len);
    }
    return rc;
}

/* Browsers end the lines of a form with CR LF, whatever was typed. */
static int write_body(struct span typed, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < typed.len; i++)
        if (typed.data[i] != '\r' || i + 1 == typed.len || typed.data[i + 1] != '\n')
            buf_byte(out, typed.data[i]);
    return buf_check(out, "body", err);
}

/* ---- its text ---- */

static int write_text(const struct view *view, const struct http_request *request, const struct publish_form *typed,
                      enum tlp tlp, struct publish_draft *draft, struct err *err)
{
    struct named_audience *audience = arena_alloc(request->arena, sizeof(*audience));
    const char *kind = arena_strz(request->arena, typed->kind);
    struct buf body;
    if (!audience || !kind)
        return err_memory(err);
    audience->tlp = tlp;
    buf_init(&body, PAYLOAD_MAX - RECORD_HEADER_MAX);
    int rc = read_names(view, typed->to, audience, err);
    if (rc == 0)
        rc = publishing_check_names(view, audience, typed->keep, &draft->log, err);
    if (rc == 0)
        rc = write_body(typed->body, &body, err);
    if (rc == 0)
        rc = publishing_check_body(view->store,
                                   &(struct publishing_body){typed->kind, buf_view(&body), tlp, request->now_ms}, err);
    struct record_draft record = {.kind = kind,
                                  .time_ms = request->now_ms,
                                  .tlp = tlp,
                                  .lang = typed->lang,
                                  .type = typed->type,
                                  .to = audience->to,
                                  .to_count = audience->count,
                                  .body = buf_view(&body)};
    if (rc == 0)
        rc = record_write(&record, &draft->text, err);
    buf_done(&body);
    return rc;
}

/* ---- what was shown of it ---- */

static void add_text(struct sha256 *sha, struct span text)
{
    uint8_t len[8];
    for (size_t i = 0; i < sizeof(len); i++)
        len[i] = (uint8_t)(text.len >> 8 * i);
    sha256_add(sha, span_of(len, sizeof(len)));
    sha256_add(sha, text);
}

/* All of the form, and whom it is said to reach: who saw another preview has not seen this one. */
static void note_seen(const struct publish_form *typed, struct publish_draft *draft)
{
    const struct preview *preview = &draft->preview;
    const struct span words[] = {typed->kind,
                                 typed->tlp,
                                 typed->to,
                                 typed->lang,
                                 typed->type,
                                 typed->body,
                                 typed->keep ? SPAN_LIT("keep") : SPAN_LIT(""),
                                 span_str(preview->version)};
    struct sha256 sha;
    uint8_t hash[32];
    sha256_init(&sha);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        add_text(&sha, words[i]);
    for (size_t i = 0; i < preview->count; i++) {
        const struct preview_member *member = &preview->members[i];
        uint8_t fate[2] = {(uint8_t)member->fate, (uint8_t)member->paths};
        if (member->fate == PREVIEW_NOT_MEANT)
            continue;
        add_text(&sha, span_str(member->origin));
        sha256_add(&sha, span_of(fate, sizeof(fate)));
    }
    sha256_end(&sha, hash);
    hex_encode(hash, PUBLISH_SEEN_LEN / 2, draft->seen);
}

/* ---- the whole ---- */

int publish_author(const struct view *view, const struct http_request *request, struct log_info *ret, struct err *err)
{
    const struct user *user = &request->visitor->user;
    if (!user->is_guest)
        return store_operator(view->store, ret, err);
    int rc = store_log_by_origin(view->store, span_str(user->member), ret, err);
    if (rc == 0 && ret->role != LOG_OWN)
        rc = err_set(err, ERR_REFUSED, "%s does not live here any more", user->member);
    return rc;
}

int publish_draft_make(const struct view *view, const struct http_request *request, const struct publish_form *typed,
                       struct publish_draft *ret, struct err *err)
{
    struct err wrong = {0};
    enum tlp tlp = tlp_parse(typed->tlp);
    *ret = (struct publish_draft){.wrong = fault_of(typed, tlp)};
    buf_init(&ret->text, PAYLOAD_MAX);
    int rc = publish_author(view, request, &ret->log, err);
    if (rc < 0 || ret->wrong)
        return rc;
    rc = write_text(view, request, typed, tlp, ret, &wrong);
    if (rc == ERR_IO || rc == ERR_MEMORY)
        return err_set(err, rc, "%s", wrong.text);
    if (rc < 0) {
        ret->wrong = TR_MARK("This cannot be said so: {1}");
        snprintf(ret->detail, sizeof(ret->detail), "%s", wrong.text);
        return 0;
    }
    struct preview_draft draft = {.view = view,
                                  .author = &ret->log,
                                  .text = buf_view(&ret->text),
                                  .keep = typed->keep,
                                  .now_ms = request->now_ms};
    rc = preview_make(&draft, request->arena, &ret->preview, err);
    if (rc < 0)
        return rc;
    ret->has_preview = true;
    ret->wrong = preview_fault_words(ret->preview.fault);
    note_seen(typed, ret);
    return 0;
}

void publish_draft_done(struct publish_draft *draft)
{
    buf_done(&draft->text);
}
