/* No signed request is taken twice, nobody fills the memory of others, and clocks that are ahead outlive a restart. */
#include "http/ahead.h"
#include "http/nonces.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/check.h"

static int take(struct nonces *nonces, const char *origin, unsigned number, int64_t now_s, int64_t until_s)
{
    char text[32];
    snprintf(text, sizeof(text), "%u", number);
    return nonces_take(nonces, span_str(origin), span_str(text), now_s, until_s);
}

static void once(void **state)
{
    (void)state;
    struct nonces *nonces = nonces_new();
    assert_int_equal(take(nonces, "a", 1, 100, 200), 0);
    assert_int_equal(take(nonces, "a", 1, 100, 200), ERR_EXISTS);
    assert_int_equal(take(nonces, "a", 1, 200, 300), ERR_EXISTS); /* to its last second */
    assert_int_equal(take(nonces, "b", 1, 100, 200), 0);
    assert_int_equal(take(nonces, "a", 11, 100, 200), 0);
    assert_int_equal(take(nonces, "a1", 1, 100, 200), 0);
    assert_int_equal(take(nonces, "a", 1, 201, 300), 0); /* expired: refused for that before it comes here */
    nonces_free(nonces);
}

/* Through every growth of the table all are remembered; when it is full nobody's is forgotten for a new one. */
static void full(void **state)
{
    (void)state;
    struct nonces *nonces = nonces_new();
    unsigned taken = 0;
    int rc;
    while ((rc = take(nonces, "flood", taken, 100, 200)) == 0)
        taken++;
    assert_int_equal(rc, ERR_LIMIT);
    assert_true(taken > NONCES_SHARE_MAX / 2 && taken <= NONCES_SHARE_MAX);
    for (unsigned i = 0; i < taken; i++)
        assert_int_equal(take(nonces, "flood", i, 150, 300), ERR_EXISTS);
    unsigned heard = 0;
    char origin[32];
    for (unsigned i = 0; i < 64; i++) {
        snprintf(origin, sizeof(origin), "other %u", i);
        heard += take(nonces, origin, 1, 150, 300) == 0;
    }
    assert_true(heard >= 48); /* but for those who share its share */
    assert_int_equal(take(nonces, "flood", taken, 201, 300), 0);
    nonces_free(nonces);
}

static struct ahead *open_ahead(const char *dir, int64_t now_s)
{
    struct ahead *ahead;
    struct err err;
    if (ahead_open(dir, now_s, &ahead, &err) < 0)
        fail_msg("%s", err.text);
    return ahead;
}

static void ahead_of_us(void **state)
{
    (void)state;
    char dir[] = "/tmp/tongzhou-ahead-XXXXXX", path[64];
    struct err err;
    assert_non_null(mkdtemp(dir));
    struct ahead *ahead = open_ahead(dir, 1000);
    assert_int_equal(ahead_before(ahead, SPAN_LIT("a")), 0);
    assert_int_equal(ahead_note(ahead, SPAN_LIT("a"), 1100, 1000, &err), 0);
    assert_int_equal(ahead_note(ahead, SPAN_LIT("b"), 1002, 1000, &err), 0);
    assert_int_equal(ahead_before(ahead, SPAN_LIT("a")), 0); /* this process remembers what it has taken */
    ahead_close(ahead);
    ahead = open_ahead(dir, 1001);
    assert_in_range(ahead_before(ahead, SPAN_LIT("a")), 1100, 1120);
    assert_in_range(ahead_before(ahead, SPAN_LIT("b")), 1002, 1020);
    assert_int_equal(ahead_before(ahead, SPAN_LIT("c")), 0);
    char name[16];
    int rc = 0;
    for (int i = 0; i < 2 * AHEAD_MAX && rc == 0; i++) {
        snprintf(name, sizeof(name), "many %d", i);
        rc = ahead_note(ahead, span_str(name), 1200, 1001, &err);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_int_equal(ahead_note(ahead, SPAN_LIT("a"), 1300, 1001, &err), 0); /* who has a line keeps it */
    assert_int_equal(ahead_note(ahead, SPAN_LIT("late"), 1400, 1350, &err), 0);
    ahead_close(ahead);
    ahead = open_ahead(dir, 1); /* our clock was set back: nothing of that was taken by it */
    assert_int_equal(ahead_before(ahead, SPAN_LIT("a")), 0);
    ahead_close(ahead);
    snprintf(path, sizeof(path), "%s/signed", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("nonsense\n\nffff 1\n", file);
    fclose(file);
    ahead_close(open_ahead(dir, 1000));
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once),
        cmocka_unit_test(full),
        cmocka_unit_test(ahead_of_us),
    };
    RUN_TESTS(tests);
}
