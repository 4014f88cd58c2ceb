/* From records to tables: the same logs make the same tables in any order; what is erased leaves no byte. */
#include "security/fold.h"

#include "security/intel_help.h"

/* ---- interleavings ---- */

#define LOGS 4
#define INTERLEAVINGS 100
#define ROTATED 1 /* this log changes its key */
#define FORKED 2  /* this one turns out to have two branches */
#define FORK_AT 45

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

/* `#` stands for a digit. */
static const char *const unusual_objects[] = {
    "{\"type\":\"malware\",\"id\":\"malware--aaaaaaaa-0000-4000-8000-00000000000#\",\"created\":\"2026-01-01T00:00:"
    "00Z\","
    "\"modified\":\"2026-01-01T00:00:00Z\",\"name\":\"\\u6076\\u610f\\u8f6f\\u4ef6 Stuxnet\",\"aliases\":[\"W32\"],"
    "\"description\":\"worm\",\"external_references\":[{\"source_name\":\"m\",\"external_id\":\"S0603\"}]}",
    "{\"type\":\"domain-name\",\"id\":\"domain-name--aaaaaaaa-0000-4000-8000-00000000000#\",\"value\":\"a.example\"}",
    ("{\"type\":\"indicator\",\"id\":\"indicator--aaaaaaaa-0000-4000-8000-00000000000#\",\"created\":"
     "\"2026-01-01T00:00:00Z\",\"modified\":\"2026-01-01T00:00:00Z\",\"pattern\":\"[no pattern\",\"name\":\"odd\"}"),
    "{\"type\":\"indicator\",\"id\":\"indicator--aaaaaaaa-0000-4000-8000-00000000000#\",\"type\":\"twice\"}",
    "{\"type\":\"indicator\" #",
    "[#]",
};

/* A record of a log, of many sorts; some are withdrawn, some are versions of each other, some are no records. */
static void add_random_entry(struct made_log *log)
{
    char body[1024];
    unsigned id = (unsigned)random_below(8);
    enum tlp tlp = random_below(4) == 0 ? TLP_GREEN : TLP_CLEAR;
    int64_t time_ms = TIME_MS + (int64_t)random_below(1000);
    switch (random_below(12)) {
    case 0:
        /* What an author withdraws in a branch that does not count is gone where it was withdrawn in time. */
        if (log->count < FORK_AT)
            made_erase(log, random_below(log->count + 2));
        return;
    case 1:
        made_record(log, "new/kind", tlp, time_ms, "text/plain", "unknown here");
        return;
    case 2:
        made_raw(log, SPAN_LIT("tongzhou/1 security/stix\ntlp clear\n\n{}"));
        return;
    case 3:
        made_sealed(log, SPAN_LIT("tongzhou/1 connect/erase\n\n1\n"), true);
        return;
    case 4:
        made_sealed(log, SPAN_LIT("no record"), true);
        return;
    case 5:
        made_domain(log, tlp, time_ms, id, (unsigned)random_below(60), "a.example", ",\"revoked\":true");
        return;
    case 6:
        made_domain(log, tlp, time_ms, id, (unsigned)random_below(60), "b.example",
                    ",\"valid_until\":\"2026-12-01T00:00:00Z\",\"labels\":[\"Family\",\"other\"]");
        return;
    case 7:
    case 8:
        snprintf(body, sizeof(body), "%s", unusual_objects[random_below(6)]);
        for (char *c = body; *c; c++)
            *c = *c == '#' ? (char)('0' + id) : *c;
        made_record(log, STIX_KIND, tlp, time_ms, random_below(9) ? STIX_TYPE : "text/plain", body);
        return;
    default:
        snprintf(body, sizeof(body), "d%u.example", id);
        made_domain(log, tlp, time_ms, id, (unsigned)random_below(60), body, NULL);
    }
}

struct arrival {
    uint64_t fed; /* entries */
    bool *late;   /* entries whose payload is still to come */
};

static void feed_some(const struct made_log *log, struct node *node, struct arrival *arrival, uint64_t upto)
{
    bool payloads = random_below(3) > 0;
    for (uint64_t i = arrival->fed; i < upto; i++)
        arrival->late[i] = !payloads && log->entries[i].payload_len > 0;
    made_feed(log, node->store, upto, payloads);
    arrival->fed = upto;
}

static void deliver_late(const struct made_log *log, struct node *node, struct arrival *arrival, bool all)
{
    struct log_info info;
    if (arrival->fed == 0)
        return;
    good(store_log_by_origin(node->store, span_str(log->origin), &info, &err));
    for (uint64_t i = 0; i < arrival->fed; i++) {
        if (!arrival->late[i] || (!all && random_below(2)))
            continue;
        made_payload(log, node->store, info.number, i);
        arrival->late[i] = false;
    }
}

/* The proof of the fork reaches the node. */
static void tell_fork(const struct made_log *log, struct node *node, const struct arrival *arrival)
{
    struct log_info info;
    if (arrival->fed == 0)
        return;
    good(store_log_by_origin(node->store, span_str(log->origin), &info, &err));
    good(store_begin(node->store, &err));
    good(mirror_fork(node->store, info.number, true, FORK_AT, SPAN_LIT("proof"), &err));
    good(store_commit(node->store, &err));
}

static void now_and_then(const struct made_log *logs, struct node *node, struct index *index, struct arrival *arrival)
{
    size_t erased;
    if (random_below(3) == 0)
        good(index_update(index, node->store, random_below(30), NULL, &err));
    if (random_below(4) == 0) {
        uint64_t i = random_below(LOGS);
        deliver_late(&logs[i], node, &arrival[i], false);
    }
    if (random_below(4) == 0)
        good(mirror_erase_queued(node->store, &erased, &err));
    if (random_below(12) == 0)
        tell_fork(&logs[FORKED], node, &arrival[FORKED]);
}

/*
 * Everything arrives at a fresh node in some order, and the index follows now and then. Its tables as text, which are
 * those that making the index anew gives.
 */
static char *tables_of_interleaving(const struct made_log *logs)
{
    struct node node;
    struct arrival arrival[LOGS] = {0};
    node_start(&node);
    struct index *index = index_of(&node);
    for (int i = 0; i < LOGS; i++) {
        arrival[i].late = calloc(logs[i].count, sizeof(bool));
        assert_non_null(arrival[i].late);
    }
    for (int left = LOGS; left > 0;) {
        uint64_t i = random_below(LOGS);
        if (arrival[i].fed < logs[i].count) {
            uint64_t more = 1 + random_below(random_below(2) ? 8 : 40);
            more = more < logs[i].count - arrival[i].fed ? more : logs[i].count - arrival[i].fed;
            feed_some(&logs[i], &node, &arrival[i], arrival[i].fed + more);
            left -= arrival[i].fed == logs[i].count;
        }
        now_and_then(logs, &node, index, arrival);
    }
    size_t erased;
    tell_fork(&logs[FORKED], &node, &arrival[FORKED]);
    if (random_below(2))
        good(mirror_erase_queued(node.store, &erased, &err));
    for (int i = 0; i < LOGS; i++) {
        deliver_late(&logs[i], &node, &arrival[i], true);
        free(arrival[i].late);
    }
    update(index, node.store);
    assert_int_equal(update(index, node.store), 0);
    char *text = dump_index(index, node.store);
    good(index_rebuild(index, node.store, &err));
    char *again = dump_index(index, node.store);
    assert_string_equal(text, again);
    free(again);
    index_close(index);
    node_stop(&node);
    return text;
}

static void same_tables_in_any_order(void **state)
{
    (void)state;
    struct made_log logs[LOGS];
    random_state = UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < LOGS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "m%d.example", i);
        made_begin(&logs[i], name);
        while (logs[i].count < 60)
            if (i == ROTATED && logs[i].count == 30)
                made_rotate(&logs[i]);
            else
                add_random_entry(&logs[i]);
    }
    char *first = tables_of_interleaving(logs);
    assert_non_null(strstr(first, "security_ioc:"));
    assert_non_null(strstr(first, "security_text:"));
    assert_non_null(strstr(first, "security_text_held:"));
    assert_non_null(strstr(first, "security_label:"));
    char frozen[ORIGIN_MAX + 16];
    snprintf(frozen, sizeof(frozen), "%s/%d ", logs[FORKED].origin, FORK_AT - 1);
    assert_non_null(strstr(first, frozen));
    snprintf(frozen, sizeof(frozen), "%s/%d ", logs[FORKED].origin, FORK_AT);
    assert_null(strstr(first, frozen));
    for (int i = 1; i < INTERLEAVINGS; i++) {
        char *next = tables_of_interleaving(logs);
        if (strcmp(first, next) != 0)
            fail_msg("interleaving %d differs:\n%s---\n%s", i, first, next);
        free(next);
    }
    free(first);
    for (int i = 0; i < LOGS; i++)
        made_end(&logs[i]);
}

/* ---- erasing ---- */

/* Neither index.db nor the compiled set keeps a byte of what was erased: value, name, words, label, media type. */
static void erased_text_leaves_no_byte(void **state)
{
    (void)state;
    struct node node;
    struct made_log log;
    struct intel_set *set;
    struct sweep_ioc found;
    node_start(&node);
    made_begin(&log, "a.example");
    for (unsigned i = 0; i < 3000; i++) {
        char domain[64];
        snprintf(domain, sizeof(domain), "n%u-%08x.example", i, i * 2654435761u);
        made_domain(&log, TLP_CLEAR, TIME_MS, i, 0, domain, NULL);
    }
    struct sample secret = {.id = 70000,
                            .name = "Zweischneidiges Geheimnis",
                            .pattern = "[domain-name:value = 'geheim-wert.example']",
                            .more = ",\"description\":\"vertrauliche Quelle\",\"labels\":[\"heimliches-etikett\"]"};
    char body[4096];
    sample_json(&secret, body, sizeof(body));
    uint64_t at = made_record(&log, STIX_KIND, TLP_CLEAR, TIME_MS, "application/stix+json;version=2.1;unusual", body);
    int64_t number = made_feed(&log, node.store, log.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    good(intel_set_open(index, &(struct intel_set_options){.now_ms = TIME_MS}, &set, &err));
    assert_true(sweep_set_find(intel_set_sweep(set), IOC_DOMAIN, SPAN_LIT("geheim-wert.example"), &found));
    intel_set_close(set);

    made_erase(&log, at);
    made_feed(&log, node.store, log.count, true);
    good(payload_erase(node.store, number, at, &err));
    update(index, node.store);
    good(index_scrub(index, &err));
    for (int pass = 0; pass < 2; pass++) {
        static const char *const needles[] = {"geheim-wert", "schneidiges", "vertrauliche",
                                              "heimliches",  "unusual",     "quelle"};
        index_close(index);
        store_close(node.store);
        for (size_t i = 0; i < sizeof(needles) / sizeof(needles[0]); i++)
            assert_int_equal(files_with(&node, needles[i], strlen(needles[i])), 0);
        node.store = node_handle(&node);
        index = index_of(&node);
        if (pass == 0) {
            good(intel_set_open(index, &(struct intel_set_options){.now_ms = TIME_MS}, &set, &err));
            assert_int_equal(sweep_set_count(intel_set_sweep(set)), 3000);
            intel_set_close(set);
        }
    }
    index_close(index);
    made_end(&log);
    node_stop(&node);
}

/* ---- what goes where ---- */

static void generated_indicators_are_no_text(void **state)
{
    (void)state;
    struct node node;
    struct made_log log;
    node_start(&node);
    made_begin(&log, "a.example");
    struct sample listed = {.id = 1,
                            .name = "a.example",
                            .pattern = "[domain-name:value = 'a.example']",
                            .uuid_version = '5',
                            .more = ",\"description\":\"d\",\"labels\":[\"WannaCry\"]"};
    struct sample url = {
        .id = 2, .name = "http://b.example/x", .pattern = "[url:value = 'http://b.example/x']", .uuid_version = '5'};
    struct sample named = listed, written = listed;
    named.name = "Loader of the week";
    written.uuid_version = '4';
    made_sample(&log, TLP_CLEAR, TIME_MS, &listed);
    made_sample(&log, TLP_CLEAR, TIME_MS, &url);
    made_feed(&log, node.store, log.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM security_text"), 0);
    made_sample(&log, TLP_CLEAR, TIME_MS, &named);
    made_sample(&log, TLP_GREEN, TIME_MS, &written);
    made_feed(&log, node.store, log.count, true);
    update(index, node.store);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM security_text"), 1);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM security_text_held"), 1);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM security_label WHERE label = 'wannacry'"), 3);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM security_ioc"), 4);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM security_object WHERE type = 1"), 4);
    index_close(index);
    made_end(&log);
    node_stop(&node);
}

static void splits_scripts_without_spaces(void **state)
{
    (void)state;
    static const struct {
        const char *text, *split;
    } cases[] = {
        {"", ""},
        {"plain words", "plain words"},
        {"\xe6\x81\xb6\xe6\x84\x8f", "\xe6\x81\xb6 \xe6\x84\x8f"},
        {"APT28\xe7\xbb\x84\xe7\xbb\x87x", "APT28 \xe7\xbb\x84 \xe7\xbb\x87 x"},
        {"\xe3\x83\x9e\xe3\x83\xab", "\xe3\x83\x9e \xe3\x83\xab"},
        {"\xd0\xbf\xd1\x80\xd0\xb8", "\xd0\xbf\xd1\x80\xd0\xb8"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;
        buf_init(&out, 1024);
        security_split_text(span_str(cases[i].text), &out);
        assert_string_equal(buf_cstr(&out), cases[i].split);
        buf_done(&out);
    }
}

static void finds_versions_by_id(void **state)
{
    (void)state;
    struct node node;
    struct made_log a, b;
    int64_t ref, modified, other;
    uint8_t hash[8], again[8];
    char uuid[40], id[64], body[4096];
    node_start(&node);
    made_begin(&a, "a.example");
    made_begin(&b, "b.example");
    made_domain(&a, TLP_CLEAR, TIME_MS, 7, 10, "x.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 7, 30, "x.example", NULL);
    made_domain(&a, TLP_CLEAR, TIME_MS, 7, 20, "x.example", NULL);
    made_domain(&b, TLP_CLEAR, TIME_MS, 8, 40, "x.example", NULL);
    int64_t number = made_feed(&a, node.store, a.count, true);
    other = made_feed(&b, node.store, b.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    make_uuid(uuid, '4', 7);
    snprintf(id, sizeof(id), "indicator--%s", uuid);
    good(intel_by_id(index, number, span_str(id), &ref, &modified, hash, &err));
    assert_int_equal(ref, RECORD_REF(number, 2));
    struct sample sample = {
        .id = 7, .version = 30, .name = "x.example", .pattern = "[domain-name:value = 'x.example']"};
    sample_json(&sample, body, sizeof(body));
    int64_t expected = security_body_hash(span_str(body));
    memcpy(again, &expected, 8);
    assert_memory_equal(hash, again, 8);
    bad(intel_by_id(index, other, span_str(id), &ref, &modified, hash, &err), ERR_NOTFOUND, "no object");
    index_close(index);
    made_end(&a);
    made_end(&b);
    node_stop(&node);
}

static void titles_name_the_object(void **state)
{
    (void)state;
    struct arena arena;
    struct buf title;
    arena_init(&arena, 1u << 20);
    buf_init(&title, 1024);
    char body[4096];
    struct sample sample = {.id = 7, .name = "x.example", .pattern = ""};
    sample_json(&sample, body, sizeof(body));
    struct record record = {.body = span_str(body)};
    security_capability.title(&record, &arena, &title);
    assert_string_equal(buf_cstr(&title), "indicator: x.example");
    buf_clear(&title);
    record.body = SPAN_LIT("{}");
    security_capability.title(&record, &arena, &title);
    assert_string_equal(buf_cstr(&title), "");
    buf_done(&title);
    arena_done(&arena);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    /* A hundred nodes, thousands of commits, and nothing here is about durability. */
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_tables_in_any_order),
        cmocka_unit_test(erased_text_leaves_no_byte),
        cmocka_unit_test(generated_indicators_are_no_text),
        cmocka_unit_test(splits_scripts_without_spaces),
        cmocka_unit_test(finds_versions_by_id),
        cmocka_unit_test(titles_name_the_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
