/* JSON objects out of a stream of bytes, without a parser's trust in what stands around them. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "security/read_impl.h"

/* Where the next byte stands. */
enum place {
    TOP,     /* between top-level values, or between those of a top-level array */
    DOC,     /* inside a top-level object */
    ARRAY,   /* inside the member's array, between its values */
    ELEMENT, /* inside an object of that array */
};

/* Recognising `"member" : [` at the first level of a top-level object. */
enum match { MATCH_NONE, MATCH_KEY, MATCH_COLON };

#define KEY_MAX 32

/* An object as it comes in: what earlier pieces brought is in `bytes`. */
struct capture {
    struct buf bytes;
    size_t braces;         /* open ones */
    uint64_t line, offset; /* of its first byte */
};

/* What may come next in an array. */
enum expect { VALUE_OR_END, COMMA_OR_END, VALUE };

struct split_state {
    enum place place;
    bool in_string, escaped;
    enum match match;
    uint8_t key[KEY_MAX];
    size_t key_len; /* more than KEY_MAX: some other key */
    struct capture doc, element;
    bool had_member;
    size_t top_arrays, member_arrays; /* open brackets around the values between which we are */
    enum expect expect;
    bool faulted;          /* something between values was reported since the last good value began */
    bool any;              /* anything but white space came */
    uint64_t line, offset; /* of the byte at hand */
    size_t run;            /* in the piece at hand: where the bytes not yet captured begin */
};

int split_init(struct split *split, struct err *err)
{
    assert(strlen(split->member) <= KEY_MAX);
    split->state = calloc(1, sizeof(*split->state));
    if (!split->state)
        return err_memory(err);
    split->state->line = 1;
    buf_init(&split->state->doc.bytes, split->object_max);
    buf_init(&split->state->element.bytes, split->object_max);
    return 0;
}

void split_done(struct split *split)
{
    if (!split->state)
        return;
    buf_done(&split->state->doc.bytes);
    buf_done(&split->state->element.bytes);
    free(split->state);
    split->state = NULL;
}

/* ---- capturing ---- */

static void capture_begin(struct split_state *state, struct capture *capture, size_t pos)
{
    buf_clear(&capture->bytes);
    capture->braces = 0;
    capture->line = state->line;
    capture->offset = state->offset;
    state->run = pos;
    state->faulted = false;
}

/* The capture ended with the byte before `pos`. Most objects lie within one piece and are not copied. */
static int capture_end(struct split *split, struct capture *capture, enum split_kind kind, struct span piece,
                       size_t pos, struct err *err)
{
    struct span rest = span_sub(piece, split->state->run, pos - split->state->run);
    struct span whole = rest;
    char reason[96];
    if (capture->bytes.len || capture->bytes.failed) {
        buf_span(&capture->bytes, rest);
        whole = buf_view(&capture->bytes);
    }
    split->state->run = pos;
    if (capture->bytes.failed == ERR_MEMORY)
        return err_memory(err);
    if (capture->bytes.failed || whole.len > split->object_max) {
        snprintf(reason, sizeof(reason), "the object that begins here is longer than %zu bytes", split->object_max);
        return split->bad(split->ctx, capture->line, capture->offset, reason, err);
    }
    return split->object(split->ctx, kind, whole, capture->line, capture->offset, err);
}

/* The piece ends: keep what belongs to an object that goes on. */
static void capture_rest(struct split_state *state, struct span piece)
{
    struct span rest = span_sub(piece, state->run, piece.len);
    if (state->place == DOC)
        buf_span(&state->doc.bytes, rest);
    else if (state->place == ELEMENT)
        buf_span(&state->element.bytes, rest);
    state->run = 0;
}

/* ---- strings ---- */

/* Pass the inside of a string from `pos` on; returns where it goes on. A newline, which no string has, ends it. */
static size_t pass_string(struct split_state *state, struct span piece, size_t pos)
{
    bool want_key = state->place == DOC && state->doc.braces == 1;
    for (; pos < piece.len; pos++) {
        uint8_t c = piece.data[pos];
        if (c == '\n' || (c == '"' && !state->escaped))
            break;
        state->escaped = c == '\\' && !state->escaped;
        if (!want_key)
            continue;
        if (state->key_len < KEY_MAX)
            state->key[state->key_len] = c;
        state->key_len += state->key_len <= KEY_MAX;
    }
    return pos;
}

static void begin_string(struct split_state *state)
{
    state->in_string = true;
    state->escaped = false;
    state->key_len = 0;
}

/* The byte at hand ended a string. */
static void end_string(struct split *split, uint8_t c)
{
    struct split_state *state = split->state;
    state->in_string = false;
    state->escaped = false;
    state->match = MATCH_NONE;
    if (c == '"' && state->place == DOC && state->doc.braces == 1 && state->key_len <= KEY_MAX &&
        span_is(span_of(state->key, state->key_len), split->member))
        state->match = MATCH_KEY;
}

/* ---- between values ---- */

static int fault(struct split *split, const char *reason, struct err *err)
{
    if (split->state->faulted)
        return 0;
    split->state->faulted = true;
    return split->bad(split->ctx, split->state->line, split->state->offset, reason, err);
}

static bool in_array(const struct split_state *state)
{
    return state->place == ARRAY || state->top_arrays > 0;
}

/* A value begins: is there a comma before it? */
static int expect_value(struct split *split, struct err *err)
{
    struct split_state *state = split->state;
    enum expect before = state->expect;
    state->expect = COMMA_OR_END;
    return in_array(state) && before == COMMA_OR_END ? fault(split, "a comma is missing in front of this value", err)
                                                     : 0;
}

static int open_bracket(struct split *split, struct err *err)
{
    struct split_state *state = split->state;
    int rc = 0;
    if (state->place == ARRAY) {
        rc = fault(split, "an array where an object should be", err);
        state->member_arrays++;
    } else {
        if (state->top_arrays > 0)
            rc = fault(split, "an array where an object should be", err);
        state->top_arrays++;
    }
    state->expect = VALUE_OR_END;
    return rc;
}

static int close_bracket(struct split *split, size_t pos, struct err *err)
{
    struct split_state *state = split->state;
    if (!in_array(state))
        return fault(split, "a closing bracket that closes nothing", err);
    int rc = state->expect == VALUE ? fault(split, "a comma with nothing behind it", err) : 0;
    state->expect = COMMA_OR_END;
    if (state->place == TOP) {
        state->top_arrays--;
    } else if (--state->member_arrays == 0) {
        state->place = DOC; /* the closing bracket is captured with what follows */
        state->run = pos;
    }
    return rc;
}

static int take_comma(struct split *split, struct err *err)
{
    struct split_state *state = split->state;
    int rc = !in_array(state) || state->expect != COMMA_OR_END ? fault(split, "a comma too many", err) : 0;
    state->expect = VALUE;
    return rc;
}

static int open_object(struct split *split, size_t pos, struct err *err)
{
    struct split_state *state = split->state;
    int rc = expect_value(split, err);
    struct capture *capture = state->place == ARRAY ? &state->element : &state->doc;
    capture_begin(state, capture, pos);
    capture->braces = 1;
    if (state->place == TOP) {
        state->had_member = false;
        state->match = MATCH_NONE;
    }
    state->place = state->place == ARRAY ? ELEMENT : DOC;
    return rc;
}

/* A byte between values that is neither white space nor a quote. */
static int take_between(struct split *split, uint8_t c, size_t pos, struct err *err)
{
    struct split_state *state = split->state;
    bool mark = state->offset < 3 && c == (uint8_t) "\xef\xbb\xbf"[state->offset];
    if (mark && state->place == TOP)
        return 0;
    state->any = true;
    switch (c) {
    case '{':
        return open_object(split, pos, err);
    case '[':
        return open_bracket(split, err);
    case ']':
        return close_bracket(split, pos, err);
    case ',':
        return take_comma(split, err);
    case '}':
        return fault(split, "a closing brace where none belongs", err);
    default:
        state->expect = COMMA_OR_END;
        return fault(split, "no JSON object where one should begin", err);
    }
}

/* ---- inside objects ---- */

/* A byte of an object outside of strings; `pos` is its place in the piece. */
static int take_inside(struct split *split, struct span piece, size_t pos, struct err *err)
{
    struct split_state *state = split->state;
    uint8_t c = piece.data[pos];
    struct capture *capture = state->place == DOC ? &state->doc : &state->element;
    enum match match = state->match;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        return 0;
    state->match = MATCH_NONE;
    if (c == '{') {
        capture->braces++;
    } else if (c == '}' && --capture->braces == 0) {
        enum split_kind kind = state->place == ELEMENT ? SPLIT_ELEMENT : state->had_member ? SPLIT_FRAME : SPLIT_ALONE;
        state->place = state->place == ELEMENT ? ARRAY : TOP;
        state->expect = COMMA_OR_END;
        return capture_end(split, capture, kind, piece, pos + 1, err);
    } else if (c == ':' && match == MATCH_KEY) {
        state->match = MATCH_COLON;
    } else if (c == '[' && match == MATCH_COLON) {
        buf_span(&state->doc.bytes, span_sub(piece, state->run, pos + 1 - state->run));
        state->place = ARRAY;
        state->had_member = true;
        state->member_arrays = 1;
        state->expect = VALUE_OR_END;
        state->faulted = false;
    }
    return 0;
}

/* Pass bytes of an object that mean nothing here. */
static size_t pass_plain(const struct split_state *state, struct span piece, size_t pos)
{
    if (state->place != ELEMENT)
        return pos;
    while (pos < piece.len) {
        uint8_t c = piece.data[pos];
        if (c == '"' || c == '{' || c == '}' || c == '\n')
            break;
        pos++;
    }
    return pos;
}

/* ---- the stream ---- */

/* One byte that is not inside of a string. */
static int take_byte(struct split *split, struct span piece, size_t pos, struct err *err)
{
    struct split_state *state = split->state;
    uint8_t c = piece.data[pos];
    bool inside = state->place == DOC || state->place == ELEMENT;
    if (c == '"') {
        begin_string(state);
        if (inside)
            return 0;
        state->any = true;
        state->expect = COMMA_OR_END;
        return fault(split, "a string where an object should be", err);
    }
    if (inside)
        return take_inside(split, piece, pos, err);
    bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    return blank ? 0 : take_between(split, c, pos, err);
}

int split_feed(struct split *split, struct span piece, struct err *err)
{
    struct split_state *state = split->state;
    uint64_t base = state->offset;
    int rc = 0;
    state->run = 0;
    for (size_t pos = 0; pos < piece.len && rc == 0;) {
        size_t at = state->in_string ? pass_string(state, piece, pos) : pass_plain(state, piece, pos);
        if (at == piece.len)
            break;
        state->offset = base + at;
        uint8_t c = piece.data[at];
        if (state->in_string)
            end_string(split, c);
        else
            rc = take_byte(split, piece, at, err);
        state->line += c == '\n';
        pos = at + 1;
    }
    capture_rest(state, piece);
    state->offset = base + piece.len;
    return rc;
}

int split_end(struct split *split, struct err *err)
{
    struct split_state *state = split->state;
    static const char *const cut = "the object that begins here is not closed: cut off?";
    split->cut = state->place != TOP || state->top_arrays > 0;
    switch (state->place) {
    case ELEMENT:
        return split->bad(split->ctx, state->element.line, state->element.offset, cut, err);
    case DOC:
    case ARRAY:
        return split->bad(split->ctx, state->doc.line, state->doc.offset, cut, err);
    case TOP:
        if (state->top_arrays > 0)
            return split->bad(split->ctx, state->line, state->offset, "the array around it all is not closed: cut off?",
                              err);
        return state->any ? 0 : split->bad(split->ctx, 1, 0, "nothing in it", err);
    }
    return 0;
}
