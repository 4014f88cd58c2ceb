/*
 * A preview is what happens: thousands of drawn policies, groups, communities and records. Each record is previewed, said, and
 * then asked for by each member, by a request that it signs and the node checks, through the handler that serves
 * contents. Whoever gets it must have been in the preview, and nobody else.
 *
 *   PREVIEW_SEED    the first world (1001: in the second a list of tomorrow once took from a member what was for it today)
 *   PREVIEW_WORLDS  how many; "endless": until something is wrong (3)
 *   PREVIEW_DEALS   policies in each (60)
 */
#include "world.h"

const struct capability *const capabilities[] = {&connect_capability, &security_capability, &governance_capability,
                                                 NULL};

#define BATCH 6

struct said_record {
    struct buf text;
    struct record_draft draft;
    struct span to[5];
    char words[5][RECORD_LINE_MAX + 1];
    const struct log_info *log;
    uint64_t index;
    struct preview preview;
};

static struct world world;
static struct said_record batch[BATCH];
static struct arena arena;
static uint64_t world_seed;
static size_t asked, given, said_count, blocked, parcels;

/* ---- a record ---- */

static void draw_to(struct world *w, struct said_record *said)
{
    size_t count = 0;
    for (size_t i = said->draft.tlp == TLP_CLEAR ? 0 : draw(w, 5); i > 0; i--) {
        char *word = said->words[count];
        if (chance(w, said->draft.tlp == TLP_RED ? 80 : 5))
            snprintf(word, RECORD_LINE_MAX, "%s/%s", w->origin[draw(w, PEOPLE)], chance(w, 50) ? "li.wei" : "desk-2");
        else if (chance(w, 40))
            snprintf(word, RECORD_LINE_MAX, "%s#%s", w->origin[chance(w, 60) ? WHO_OWN : draw(w, PEOPLE)],
                     group_names[draw(w, 3)]);
        else
            snprintf(word, RECORD_LINE_MAX, "%s", w->origin[draw(w, PEOPLE)]);
        said->to[count] = span_str(word);
        bool is_new = true;
        for (size_t k = 0; k < count; k++)
            is_new = is_new && strcmp(said->words[k], word) != 0;
        count += is_new;
    }
    said->draft.to = said->to;
    said->draft.to_count = count;
}

/* Persons with red alone, and then nobody else: publishing refuses the rest before anything is made of it. */
static bool may_send(const struct said_record *said)
{
    for (size_t i = 0; i < said->draft.to_count; i++)
        if (audience_is_person(said->to[i]) != (said->draft.tlp == TLP_RED))
            return false;
    return said->draft.to_count > 0;
}

static void draw_record(struct world *w, struct said_record *said)
{
    static char body[600];
    memset(body, 'x', sizeof(body));
    said->log = chance(w, 75) ? &w->own : &w->hosted;
    said->draft = (struct record_draft){.kind = kinds_said[draw(w, 3)],
                                        .time_ms = w->now_ms,
                                        .tlp = TLP_CLEAR + (enum tlp)draw(w, 5),
                                        .lang = span_str(languages_said[draw(w, 4)]),
                                        .body = span_of(body, draw(w, sizeof(body)))};
    draw_to(w, said);
    buf_clear(&said->text);
    good(record_write(&said->draft, &said->text, &err));
    struct preview_draft draft = {.view = &w->view,
                                  .author = said->log,
                                  .text = buf_view(&said->text),
                                  .parcel = may_send(said) && chance(w, 40),
                                  .now_ms = w->now_ms};
    good(preview_make(&draft, &arena, &said->preview, &err));
}

/* ---- asking for it ---- */

struct signing_text {
    char to[ORIGIN_MAX + 1];
};

static bool field_to(void *ctx, struct span name, struct buf *out)
{
    struct signing_text *text = ctx;
    buf_str(out, text->to);
    return span_is(name, "tongzhou-to");
}

/* Whom does the node hear, when this member signs? */
static enum signed_outcome hear(struct world *w, size_t who, char origin[ORIGIN_MAX + 1])
{
    static unsigned counter;
    struct signing_text said_to;
    char nonce[32], text[BASE64_LEN(ED25519_SIG) + 1];
    uint8_t signature[ED25519_SIG];
    struct buf keyid, input, base, field;
    struct http_sig_message message = {.method = SPAN_LIT("GET"),
                                       .scheme = SPAN_LIT("http"),
                                       .authority = SPAN_LIT(HOST_NAME),
                                       .path = SPAN_LIT("/heads"),
                                       .field = field_to,
                                       .ctx = &said_to};
    snprintf(said_to.to, sizeof(said_to.to), "%s", w->own.origin);
    snprintf(nonce, sizeof(nonce), "n%u", counter++);
    buf_init(&keyid, HTTP_SIG_FIELD_MAX);
    buf_init(&input, HTTP_SIG_FIELD_MAX);
    buf_init(&base, HTTP_SIG_BASE_MAX);
    buf_init(&field, HTTP_SIG_FIELD_MAX);
    http_sig_keyid(span_str(w->origin[who]), &keyid);
    struct http_sig_draft draft = {buf_view(&keyid), w->now_ms / 1000, w->now_ms / 1000 + 60, span_str(nonce), false};
    good(http_sig_prepare(&draft, &message, &input, &base, &err));
    if (who >= MADE)
        good(author_sign_request(w->node.store, who == WHO_HOSTED ? w->hosted.number : w->own.number, buf_view(&base),
                                 signature, &err));
    else
        ed25519_sign(buf_view(&base), w->made[who].keys.request_seed, signature);
    base64_encode(signature, sizeof(signature), text);
    buf_fmt(&field, HTTP_SIG_TAG "=:%s:", text);
    struct signed_request request = {.message = message,
                                     .input = buf_view(&input),
                                     .signature = buf_view(&field),
                                     .host = SPAN_LIT(HOST_NAME),
                                     .to = span_str(said_to.to),
                                     .fd = -1,
                                     .now_ms = w->now_ms};
    enum signed_outcome outcome = signed_check(w->heard, w->node.store, &request, origin);
    buf_done(&keyid);
    buf_done(&input);
    buf_done(&base);
    buf_done(&field);
    return outcome;
}

static http_handler payload_handler(void)
{
    for (size_t i = 0; i < CONNECT_ROUTES; i++)
        if (strcmp(connect_routes[i].pattern, "/logs/{hash}/{rest}") == 0)
            return connect_routes[i].handler;
    fail_msg("no route for contents");
    return NULL;
}

/* Is the content of this entry in the answer to this viewer? */
static bool is_served(struct world *w, struct viewer viewer, const struct said_record *record)
{
    struct view view;
    struct payload_item item;
    struct http_reply reply = {.fd = -1};
    char rest[64], from[24], to[24];
    snprintf(rest, sizeof(rest), "payload/%llu", (unsigned long long)(record->index / TILE_WIDTH));
    snprintf(from, sizeof(from), "%llu", (unsigned long long)record->index);
    snprintf(to, sizeof(to), "%llu", (unsigned long long)record->index + 1);
    struct http_request request = {.method = HTTP_GET,
                                   .part = {span_str(record->log->hex), span_str(rest)},
                                   .part_count = 2,
                                   .query = {{SPAN_LIT("from"), span_str(from)}, {SPAN_LIT("to"), span_str(to)}},
                                   .query_count = 2,
                                   .arena = &arena,
                                   .now_ms = w->now_ms};
    buf_init(&reply.body, PAYLOAD_BUNDLE_MAX + PAYLOAD_MAX);
    good(view_open(w->node.store, w->index, viewer, OUTLET_HTTP_LOGS, &view, &err));
    good(payload_handler()(&view, &request, &reply, &err));
    assert_true(reply.status == 0 || reply.status == 200);
    struct payload_reader reader = {.bundle = buf_view(&reply.body)};
    struct err err = {0};
    assert_int_equal(payload_next(&reader, &item, &err), 1);
    bool is_whole = !item.hole && span_eq(item.payload, buf_view(&record->text));
    assert_true(item.hole || is_whole);
    buf_done(&reply.body);
    return is_whole;
}

/* As a node asks: signed, and unsigned if it is not heard so. */
static bool gets(struct world *w, size_t who, const struct said_record *record)
{
    char origin[ORIGIN_MAX + 1];
    struct viewer viewer = {.class = VIEWER_PUBLIC};
    if (hear(w, who, origin) == SIGNED_BY_MEMBER) {
        assert_string_equal(origin, w->origin[who]);
        viewer = (struct viewer){.class = VIEWER_MEMBER, .origin = origin, .time_ms = w->now_ms};
    }
    return is_served(w, viewer, record);
}

/* ---- comparing ---- */

static const struct preview_member *foretold(const struct preview *preview, const char *origin)
{
    for (size_t i = 0; i < preview->count; i++)
        if (strcmp(preview->members[i].origin, origin) == 0)
            return &preview->members[i];
    return NULL;
}

static void differ(const struct world *w, const struct said_record *said, const char *who, bool got,
                   const struct preview_member *member)
{
    fail_msg("world %llu: %s %s, and the preview says: %s (audience %d, line %u, paths %u)\n-- policy\n%s-- record of "
             "%s\n%.*s",
             (unsigned long long)world_seed, who, got ? "got it" : "did not get it",
             member ? preview_why(member) : "nothing", member ? (int)member->audience : -1, member ? member->line : 0,
             member ? member->paths : 0, w->policy, said->log->origin,
             (int)(said->text.len < 1500 ? said->text.len : 1500), (const char *)said->text.data);
}

static void compare_member(struct world *w, const struct said_record *said, size_t who, size_t *others)
{
    const struct preview_member *member = foretold(&said->preview, w->origin[who]);
    bool got = gets(w, who, said);
    asked++;
    given += got;
    if (strcmp(w->origin[who], said->log->origin) == 0 || who == WHO_STRANGER) { /* no member that is known here */
        if (member || (who == WHO_STRANGER && got != said->preview.everybody.is_given))
            differ(w, said, w->origin[who], got, member);
        return;
    }
    *others += got;
    bool wanted = member && member->fate == PREVIEW_GETS && member->paths & (PATH_HERE | PATH_SIGNED | PATH_OPEN);
    if (!member || got != wanted)
        differ(w, said, w->origin[who], got, member);
}

/* What is sent as a parcel is for those of whom that was said, or is not sent. */
static void compare_parcel(struct world *w, const struct said_record *said)
{
    struct parcel_range range = {said->index, 1};
    struct parcel_sent sent;
    struct err err = {0};
    size_t wanted = 0;
    struct parcel_order order = {.number = said->log->number,
                                 .to = said->to,
                                 .to_count = said->draft.to_count,
                                 .time_ms = w->now_ms,
                                 .expires_ms = w->now_ms + 86400000,
                                 .ranges = &range,
                                 .range_count = 1};
    for (size_t i = 0; i < said->preview.count; i++)
        wanted += (said->preview.members[i].paths & PATH_PARCEL) != 0;
    int rc = parcels_send(&w->view, &order, &sent, &err);
    if (rc == 0 && sent.recipients != wanted)
        fail_msg("world %llu: a parcel for %zu, foretold %zu\n%.*s", (unsigned long long)world_seed, sent.recipients,
                 wanted, (int)(said->text.len < 1500 ? said->text.len : 1500), (const char *)said->text.data);
    if (rc == 0 && said->preview.fault == PREVIEW_PARCEL_KEPT)
        fail_msg("world %llu: a parcel that policy forbids was sent", (unsigned long long)world_seed);
    if (rc == ERR_REFUSED && said->preview.fault == PREVIEW_RIGHT && wanted > 0)
        fail_msg("world %llu: %s", (unsigned long long)world_seed, err.text);
    parcels += rc == 0;
    fold(w);
}

/* A person of the author's needs nothing from anybody. */
static bool names_own_person(const struct said_record *said)
{
    for (size_t i = 0; said->draft.tlp == TLP_RED && i < said->draft.to_count; i++)
        if (audience_is_person(said->to[i]) && span_is(audience_person_origin(said->to[i]), said->log->origin))
            return true;
    return false;
}

static void compare(struct world *w, const struct said_record *said)
{
    size_t others = 0;
    bool public = is_served(w, (struct viewer){.class = VIEWER_PUBLIC}, said);
    if (public != said->preview.everybody.is_given)
        differ(w, said, "the public", public, NULL);
    for (size_t who = 0; who < PEOPLE; who++)
        compare_member(w, said, who, &others);
    enum preview_fault fault = said->preview.fault;
    bool reached = others > 0 || public || names_own_person(said), parcel = said->preview.gets > others;
    if (fault != PREVIEW_PARCEL_KEPT && (fault == PREVIEW_RIGHT ? !reached && !parcel : reached))
        fail_msg("world %llu: it reached %zu, and the preview says: %s\n%s%.*s", (unsigned long long)world_seed, others,
                 fault == PREVIEW_RIGHT ? "all right" : preview_fault_words(fault), w->policy, (int)said->text.len,
                 (const char *)said->text.data);
    blocked += said->preview.fault != PREVIEW_RIGHT;
}

/* ---- one policy, and some records ---- */

static void happen(struct world *w)
{
    if (chance(w, 25))
        happen_founding(w);
    if (chance(w, 10))
        happen_leaving(w);
    for (size_t i = draw(w, 3); i > 0; i--)
        happen_group(w);
    if (chance(w, 40))
        happen_admission(w);
    fold(w);
    happen_policy(w);
}

static void deal(struct world *w)
{
    w->now_ms = clock_ms();
    arena_clear(&arena);
    happen(w);
    for (size_t i = 0; i < BATCH; i++)
        draw_record(w, &batch[i]);
    for (size_t i = 0; i < BATCH; i++)
        good(publishing_append(w->node.store, batch[i].log, batch[i].draft.tlp, buf_view(&batch[i].text), w->now_ms,
                               &batch[i].index, &err));
    fold(w);
    for (size_t i = 0; i < BATCH; i++) {
        compare(w, &batch[i]);
        for (size_t k = 0; k < batch[i].preview.count; k++)
            if (batch[i].preview.members[k].paths & PATH_PARCEL) {
                compare_parcel(w, &batch[i]);
                break;
            }
    }
    said_count += BATCH;
}

static size_t number_of(const char *name, size_t fallback)
{
    const char *text = getenv(name);
    return text && *text ? strcmp(text, "endless") == 0 ? SIZE_MAX : (size_t)strtoull(text, NULL, 10) : fallback;
}

static void preview_is_what_happens(void **state)
{
    (void)state;
    size_t first = number_of("PREVIEW_SEED", 1001), worlds = number_of("PREVIEW_WORLDS", 3);
    size_t deals = number_of("PREVIEW_DEALS", 60);
    arena_init(&arena, 64u << 20);
    for (size_t i = 0; i < BATCH; i++)
        buf_init(&batch[i].text, PAYLOAD_MAX);
    for (size_t i = 0; i < worlds; i++) {
        world_seed = first + i;
        world_open(&world, world_seed);
        for (size_t k = 0; k < deals; k++)
            deal(&world);
        world_close(&world);
        print_message(
            "# world %llu: so far %zu records, %zu would have been blocked, %zu parcels; %zu asked, %zu got it\n",
            (unsigned long long)world_seed, said_count, blocked, parcels, asked, given);
    }
    for (size_t i = 0; i < BATCH; i++)
        buf_done(&batch[i].text);
    arena_done(&arena);
    assert_true(given > 0 && given < asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(preview_is_what_happens)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("tests", tests, NULL, NULL);
}
