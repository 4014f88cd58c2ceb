/* What one peer's answers may take of our memory, whatever it sends. */
#include "raw.h"

#define BUNDLES 10
#define LARGE (3u << 20)
#define LARGE_COUNT 14

/* `b` has all entries of a's log and none of its contents. */
static void entries_only(struct node *a, struct node *b)
{
    int64_t number;
    node_start(a, "a.example");
    node_start(b, "b.example");
    node_say_many(a, "said", (BUNDLES - 1) * TILE_WIDTH);
    node_serve(a);
    number = node_peer(b, a);
    node_sync_with(b, (struct sync_options){.mode = MODE_HEADS});
    assert_mirrored(b, &a->own);
    good(peer_remove(b->store, number, &err));
    good(sync_follow(b->store, span_str(a->own.origin), MODE_FULL, 0, &err));
}

/* Ten bundles of contents are wanted, each answered without an end: never eight times 32 MiB at once. */
static void test_endless_contents(void **state)
{
    struct node a, b;
    struct raw *raw = raw_start();
    char path[200];
    (void)state;
    entries_only(&a, &b);
    struct buf note;
    buf_init(&note, NOTE_MAX);
    good(store_checkpoint(a.store, a.own.number, &note, &err));
    raw_heads(raw, &a.own, a.own.size);
    raw_checkpoint(raw, &a.own, buf_view(&note));
    buf_done(&note);
    snprintf(path, sizeof(path), "/logs/%s/payload/", a.own.hex);
    struct raw_page *page = raw_bytes(raw, path, RAW_ENDLESS, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    raw_run(raw);
    node_peer_url(&b, raw->url);
    struct sync_report *report = node_sync(&b);
    assert_true(report->failure_count > 0);
    assert_true(strstr(report->failures[0].reason, "longer than") != NULL);
    assert_true(peer_of(&b, raw->url).set_aside);
    assert_true(atomic_load(&page->asked) > 1);
    /* Beside what we hold it counts what stands in the buffers of eight connections, up to 10 MB each. */
    size_t most = atomic_load(&raw->most_under_way);
    if (most > PEER_MEMORY_MAX + (80u << 20))
        fail_msg("%zu bytes under way at once", most);
    raw_stop(raw);
    node_stop(&a);
    node_stop(&b);
}

/* Answers far larger than those before come all the same, each asked for once more. */
static void test_large_contents(void **state)
{
    struct node a, b;
    char *body = malloc(LARGE + 1);
    (void)state;
    assert_non_null(body);
    node_start(&a, "a.example");
    node_start(&b, "b.example");
    for (size_t i = 0; i < LARGE_COUNT; i++) {
        memset(body, 'a' + (int)i, LARGE);
        body[LARGE] = '\0';
        node_say(&a, body);
    }
    node_serve(&a);
    node_peer(&b, &a);
    node_sync_well(&b);
    assert_mirrored(&b, &a.own);
    for (size_t i = 0; i < LARGE_COUNT; i++) {
        memset(body, 'a' + (int)i, LARGE);
        assert_true(has_payload(&b, a.own.origin, a.own.size - LARGE_COUNT + i, body));
    }
    free(body);
    node_stop(&a);
    node_stop(&b);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endless_contents),
        cmocka_unit_test(test_large_contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
