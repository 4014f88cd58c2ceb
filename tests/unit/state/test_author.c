#include "state/node.h"

#include "base/sha256.h"

static int rotate(struct node *node, int64_t number, const char *recovery, const char *next, struct err *err)
{
    return author_rotate(node->store, number, recovery ? node_path(node, recovery) : NULL,
                         next ? node_path(node, next) : NULL, TIME_MS, err);
}

static size_t key_count(struct store *store, int64_t number)
{
    struct arena arena;
    struct member member;
    arena_init(&arena, 4u << 20);
    good(store_member(store, number, &arena, &member, &err));
    size_t count = member.key_count;
    arena_done(&arena);
    return count;
}

static void creating(void **state)
{
    (void)state;
    struct node node;
    struct log_info info, local, found;
    node_start(&node);
    node_member(&node, "first.example.org", true, &info);
    assert_true(info.is_operator);
    assert_int_equal(info.size, 1);
    assert_true(origin_valid(span_str(info.origin)));
    log_verify(node.store, info.number);
    good(store_operator(node.store, &found, &err));
    assert_int_equal(found.number, info.number);
    struct author_new make = {.time_ms = TIME_MS, .role = LOG_OWN, .is_operator = true};
    strcpy(make.profile.name, "second.example.org");
    make.profile.class = CLASS_STATE;
    make.recovery_path = node_path(&node, "second.recovery");
    bad(author_create(node.store, &make, &local, &err), ERR_EXISTS, "is the operator here already");
    assert_int_not_equal(access(make.recovery_path, F_OK), 0);
    make.is_operator = false;
    make.recovery_path = node_path(&node, "first.example.org.recovery");
    bad(author_create(node.store, &make, &local, &err), ERR_EXISTS, "there already");
    assert_int_equal(access(make.recovery_path, F_OK), 0);
    make.recovery_path = NULL;
    bad(author_create(node.store, &make, &local, &err), ERR_USAGE, "recovery key");
    make.recovery_path = node_path(&node, "bad.recovery");
    strcpy(make.profile.name, "no/slash");
    bad(author_create(node.store, &make, &local, &err), ERR_SYNTAX, "name");
    assert_int_not_equal(access(node_path(&node, "bad.recovery"), F_OK), 0);
    strcpy(make.profile.name, "local.example.org");
    make.recovery_path = NULL;
    make.role = LOG_LOCAL;
    good(author_create(node.store, &make, &local, &err));
    assert_int_equal(local.role, LOG_LOCAL);
    append_many(node.store, local.number, "l", 3, 50, false);
    log_verify(node.store, local.number);
    bad(mirror_cosign(node.store, local.number, 1795000000, &err), ERR_STATE, "not served");
    node_stop(&node);
}

static int fail_commit(void *ctx, const char *operation)
{
    (void)ctx;
    return strcmp(operation, "commit") == 0 ? EIO : 0;
}

static int always(void *ctx)
{
    (void)ctx;
    return 1;
}

/* From the commit on the database does not answer any more. */
static int deaf_after_commit(void *ctx, const char *operation)
{
    if (strcmp(operation, "committed") == 0)
        sqlite3_progress_handler(store_db(ctx), 1, always, NULL);
    return 0;
}

/* A commit that cannot be used any more, or failed halfway, may stand all the same: then the log needs its keys. */
static void created_in_doubt(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        struct node node;
        struct log_info info;
        struct keys keys;
        node_start(&node);
        struct author_new make = {.time_ms = TIME_MS, .role = LOG_OWN, .is_operator = true};
        strcpy(make.profile.name, "doubt.example.org");
        make.profile.class = CLASS_STATE;
        make.recovery_path = node_path(&node, "doubt.recovery");
        disk_set_hook(fails ? fail_commit : deaf_after_commit, node.store);
        bad(author_create(node.store, &make, &info, &err), ERR_IO, "state.db");
        disk_set_hook(NULL, NULL);
        assert_int_equal(access(make.recovery_path, F_OK), 0);
        node_again(&node);
        if (fails) {
            bad(store_operator(node.store, &info, &err), ERR_NOTFOUND, "no member");
        } else {
            good(store_operator(node.store, &info, &err));
            good(keys_load(node.dir, span_str(info.origin), &keys, &err));
            append_many(node.store, info.number, "d", 3, 50, true);
            log_verify(node.store, info.number);
        }
        node_stop(&node);
    }
}

static void start_check(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    uint64_t first;
    node_start(&node);
    node_member(&node, "check.example.org", true, &info);
    struct store *other = node_handle(&node);
    struct buf text;
    buf_init(&text, PAYLOAD_MAX);
    record_make(&text, "x", 10);
    struct author_item item = {buf_view(&text), true};
    bad(author_append(other, info.number, &item, 1, TIME_MS, &first, &err), ERR_STATE, "--alone");
    author_allow(other);
    good(author_append(other, info.number, &item, 1, TIME_MS, &first, &err));
    bad(author_append(other, info.number, &item, 0, TIME_MS, &first, &err), ERR_USAGE, "nothing");
    item.text = SPAN_LIT("not a record");
    bad(author_append(other, info.number, &item, 1, TIME_MS, &first, &err), ERR_SYNTAX, "record 1 of 1");
    item.text = SPAN_LIT("tongzhou/1 connect/rotate\n\n{}");
    bad(author_append(other, info.number, &item, 1, TIME_MS, &first, &err), ERR_USAGE, "tongzhou rotate");
    item.text = SPAN_LIT("tongzhou/1 connect/erase\n\n9\n");
    bad(author_append(other, info.number, &item, 1, TIME_MS, &first, &err), ERR_SYNTAX, "entry 9");
    item.text = SPAN_LIT("tongzhou/1 connect/profile\n\n{}");
    bad(author_append(other, info.number, &item, 1, TIME_MS, &first, &err), ERR_SYNTAX, "profile");
    good(store_log(other, info.number, &info, &err));
    assert_int_equal(info.size, 2);
    store_close(other);
    buf_done(&text);
    node_stop(&node);
}

static void rotating(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "rotate.example.org", true, &info);
    append_many(node.store, info.number, "r", 300, 50, true);
    good(rotate(&node, info.number, NULL, NULL, &err));
    log_verify(node.store, info.number);
    append_many(node.store, info.number, "r", 3, 50, true);
    bad(rotate(&node, info.number, NULL, "next1", &err), ERR_USAGE, "only the recovery key");
    bad(rotate(&node, info.number, "rotate.example.org.recovery", NULL, &err), ERR_USAGE, "next recovery key");
    assert_int_not_equal(access(node_path(&node, "next1"), F_OK), 0);
    good(rotate(&node, info.number, "rotate.example.org.recovery", "next1", &err));
    log_verify(node.store, info.number);
    append_many(node.store, info.number, "r", 3, 50, true);
    bad(rotate(&node, info.number, "rotate.example.org.recovery", "next2", &err), ERR_VERIFY, "not the recovery key");
    assert_int_not_equal(access(node_path(&node, "next2"), F_OK), 0);
    bad(rotate(&node, info.number, "next1", "next1", &err), ERR_EXISTS, "there already");
    good(rotate(&node, info.number, NULL, NULL, &err));
    good(rotate(&node, info.number, "next1", "next2", &err));
    log_verify(node.store, info.number);
    append_many(node.store, info.number, "r", 3, 50, true);
    log_verify(node.store, info.number);
    assert_int_equal(key_count(node.store, info.number), 5);
    node_stop(&node);
}

/* More would be without effect, and the key that the head is signed with then would be lost. */
static void rotating_ends(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "rotate.example.org", true, &info);
    for (int i = 0; i < ROTATIONS_MAX; i++)
        good(rotate(&node, info.number, NULL, NULL, &err));
    bad(rotate(&node, info.number, NULL, NULL, &err), ERR_LIMIT, "more than 256");
    bad(rotate(&node, info.number, "rotate.example.org.recovery", "next", &err), ERR_LIMIT, "more than 256");
    assert_int_not_equal(access(node_path(&node, "next"), F_OK), 0);
    append_many(node.store, info.number, "r", 3, 50, true);
    log_verify(node.store, info.number);
    assert_int_equal(key_count(node.store, info.number), ROTATIONS_MAX + 1);
    node_stop(&node);
}

/* He rotates and names other keys; the owner comes back with his key file of before and the recovery key. */
static void thief(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    struct keys before;
    struct buf text;
    uint64_t first;
    node_start(&node);
    node_member(&node, "stolen.example.org", true, &info);
    append_many(node.store, info.number, "r", 3, 50, true);
    good(keys_load(node.dir, span_str(info.origin), &before, &err));
    good(rotate(&node, info.number, NULL, NULL, &err));
    good(author_new_profile(node.store, info.number, SPAN_LIT(""), TIME_MS, &err));
    append_many(node.store, info.number, "not me", 3, 50, true);
    good(keys_save(node.dir, &before, &err));

    buf_init(&text, PAYLOAD_MAX);
    record_make(&text, "x", 10);
    struct author_item item = {buf_view(&text), true};
    bad(author_append(node.store, info.number, &item, 1, TIME_MS, &first, &err), ERR_STATE, "rotate --recovery");
    bad(rotate(&node, info.number, NULL, NULL, &err), ERR_STATE, "rotate --recovery");
    bad(mirror_cosign(node.store, info.number, 1795000000, &err), ERR_STATE, "cosigner key");
    good(rotate(&node, info.number, "stolen.example.org.recovery", "next", &err));
    good(author_append(node.store, info.number, &item, 1, TIME_MS, &first, &err));
    good(mirror_cosign(node.store, info.number, 1795000000, &err));
    log_verify(node.store, info.number);
    assert_int_equal(key_count(node.store, info.number), 3);
    buf_done(&text);
    node_stop(&node);
}

/* The key file is gone; the recovery key brings all of them back. */
static void keys_lost(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    struct keys before, after;
    uint64_t first;
    node_start(&node);
    node_member(&node, "lost.example.org", true, &info);
    append_many(node.store, info.number, "r", 3, 50, true);
    good(keys_load(node.dir, span_str(info.origin), &before, &err));
    good(keys_remove(node.dir, span_str(info.origin), &err));
    struct buf text;
    buf_init(&text, PAYLOAD_MAX);
    record_make(&text, "x", 10);
    struct author_item item = {buf_view(&text), true};
    bad(author_append(node.store, info.number, &item, 1, TIME_MS, &first, &err), ERR_NOTFOUND, "no keys");
    bad(rotate(&node, info.number, NULL, NULL, &err), ERR_NOTFOUND, "no keys");
    good(rotate(&node, info.number, "lost.example.org.recovery", "n1", &err));
    good(author_append(node.store, info.number, &item, 1, TIME_MS, &first, &err));
    log_verify(node.store, info.number);
    good(keys_load(node.dir, span_str(info.origin), &after, &err));
    assert_memory_not_equal(before.cosigner_seed, after.cosigner_seed, 32);
    good(mirror_cosign(node.store, info.number, 1795000000, &err));
    buf_done(&text);
    node_stop(&node);
}

static void moved(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    struct arena arena;
    struct member member;
    struct keys keys;
    struct profile published;
    node_start(&node);
    node_member(&node, "moved.example.org", true, &info);
    const char *host = "host.example.net/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    bad(author_new_profile(node.store, info.number, SPAN_LIT("no origin"), TIME_MS, &err), ERR_SYNTAX, "host");
    good(author_new_profile(node.store, info.number, span_str(host), TIME_MS, &err));
    arena_init(&arena, 1u << 20);
    good(store_member(node.store, info.number, &arena, &member, &err));
    good(keys_load(node.dir, span_str(info.origin), &keys, &err));
    keys_publish(&keys, &published);
    assert_string_equal(member.profile.host, host);
    assert_memory_equal(member.profile.cosigner_key, published.cosigner_key, 32);
    assert_memory_equal(member.profile.request_key, published.request_key, 32);
    assert_memory_equal(member.profile.encryption_key, published.encryption_key, 32);
    assert_memory_equal(member.profile.log_key, published.log_key, 32);
    assert_int_equal(member.profile_index, 1);
    arena_done(&arena);
    append_many(node.store, info.number, "r", 3, 50, true);
    log_verify(node.store, info.number);
    node_stop(&node);
}

/* The key file's keys are those that the profile names, and cosign. */
static void others_match(struct node *node, const struct log_info *info)
{
    struct arena arena;
    struct member member;
    struct keys keys;
    struct profile published;
    append_many(node->store, info->number, "m", 1, 50, true);
    good(mirror_cosign(node->store, info->number, 1795000000, &err));
    arena_init(&arena, 1u << 20);
    good(store_member(node->store, info->number, &arena, &member, &err));
    good(keys_load(node->dir, span_str(info->origin), &keys, &err));
    keys_publish(&keys, &published);
    assert_memory_equal(member.profile.cosigner_key, published.cosigner_key, 32);
    assert_memory_equal(member.profile.request_key, published.request_key, 32);
    assert_memory_equal(member.profile.encryption_key, published.encryption_key, 32);
    arena_done(&arena);
}

/* The process ends at any step of changing the other keys: those that the profile names are never lost. */
static void moving_crash(void **state)
{
    (void)state;
    struct node node;
    struct log_info info, now;
    node_start(&node);
    node_member(&node, "moved.example.org", true, &info);
    bool done = false;
    int between = 0;
    for (int n = 1; !done && n < 100; n++) {
        int wait_status;
        uint64_t before;
        good(store_log(node.store, info.number, &now, &err));
        before = now.size;
        store_close(node.store);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct node mine = node;
            struct err err;
            mine.store = node_handle(&mine);
            author_allow(mine.store);
            steps_left = n;
            disk_set_hook(step_hook, NULL);
            _exit(author_new_profile(mine.store, info.number, SPAN_LIT(""), TIME_MS, &err) ? 6 : 0);
        }
        assert_int_equal(waitpid(child, &wait_status, 0), child);
        assert_true(WIFEXITED(wait_status));
        done = WEXITSTATUS(wait_status) == 0;
        assert_true(done || WEXITSTATUS(wait_status) == 7);
        node.store = node_handle(&node);
        author_allow(node.store);
        good(store_log(node.store, info.number, &now, &err));
        between += !done && now.size > before;
        if (n % 2) /* whoever comes first settles it */
            good(mirror_cosign(node.store, info.number, 1795000000, &err));
        others_match(&node, &info);
    }
    assert_true(done);
    assert_true(between > 1);
    log_verify(node.store, info.number);
    node_stop(&node);
}

/* The process ends at any step of a rotation: the member can go on afterwards, with one key or the other. */
static void rotation_crashes(bool by_recovery)
{
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "rotate.example.org", true, &info);
    bool done = false;
    size_t keys = 1;
    int n = 1, promoted = 0;
    char in_force[32] = "rotate.example.org.recovery";
    for (; !done && n < 100; n++) {
        int wait_status;
        char next[32];
        snprintf(next, sizeof next, "next-%d", n);
        store_close(node.store);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct node mine = node;
            struct err err;
            mine.store = node_handle(&mine);
            author_allow(mine.store);
            steps_left = n;
            disk_set_hook(step_hook, NULL);
            _exit(rotate(&mine, info.number, by_recovery ? in_force : NULL, by_recovery ? next : NULL, &err) ? 6 : 0);
        }
        assert_int_equal(waitpid(child, &wait_status, 0), child);
        assert_true(WIFEXITED(wait_status));
        done = WEXITSTATUS(wait_status) == 0;
        assert_true(done || WEXITSTATUS(wait_status) == 7);
        node.store = node_handle(&node);
        author_allow(node.store);
        size_t now = key_count(node.store, info.number);
        assert_true(now == keys || now == keys + 1);
        if (now > keys && !done)
            promoted++;
        /* The recovery key that the log names is one whose file is there: the next round needs it. */
        if (now > keys)
            memcpy(in_force, next, sizeof next);
        keys = now;
        append_many(node.store, info.number, "c", 1, 50, true);
        log_verify(node.store, info.number);
    }
    assert_true(done);
    assert_true(promoted > 0);
    assert_true(n > 10);
    if (by_recovery)
        good(rotate(&node, info.number, in_force, "at-last", &err));
    node_stop(&node);
}

static void rotation_crash(void **state)
{
    (void)state;
    rotation_crashes(false);
    rotation_crashes(true);
}

static void standing(void **state)
{
    (void)state;
    struct node node;
    struct log_info info, next;
    uint64_t first;
    node_start(&node);
    node_member(&node, "standing.example.org", true, &info);
    append_many(node.store, info.number, "s", 5, 50, true);
    struct buf text, proof;
    buf_init(&text, PAYLOAD_MAX);
    buf_init(&proof, INLINE_MAX);
    record_make(&text, "x", 10);
    struct author_item item = {buf_view(&text), true};
    good(store_begin(node.store, &err));
    good(mirror_fork(node.store, info.number, false, 0, SPAN_LIT("two heads"), &err));
    good(store_commit(node.store, &err));
    bad(author_append(node.store, info.number, &item, 1, TIME_MS, &first, &err), ERR_STATE, "suspended");
    good(store_begin(node.store, &err));
    good(mirror_fork(node.store, info.number, true, 4, SPAN_LIT("at 4"), &err));
    good(mirror_fork(node.store, info.number, true, 5, SPAN_LIT("at 5"), &err));
    good(mirror_fork(node.store, info.number, true, 3, SPAN_LIT("at 3"), &err));
    good(mirror_fork(node.store, info.number, true, 3, SPAN_LIT("at 3 again"), &err));
    good(mirror_fork(node.store, info.number, false, 0, SPAN_LIT("two heads again"), &err));
    good(store_commit(node.store, &err));
    good(store_log(node.store, info.number, &next, &err));
    assert_int_equal(next.standing, STANDING_FROZEN);
    assert_int_equal(next.frozen_from, 3);
    assert_true(next.seq > info.seq);
    good(mirror_fork_proof(node.store, info.number, &proof, &err));
    assert_true(span_is(buf_view(&proof), "at 3"));
    bad(author_append(node.store, info.number, &item, 1, TIME_MS, &first, &err), ERR_STATE, "--succeeds");
    bad(author_rotate(node.store, info.number, NULL, NULL, TIME_MS, &err), ERR_STATE, "--succeeds");
    bad(mirror_cosign(node.store, info.number, 1795000000, &err), ERR_STATE, "forked");
    /* The member goes on in a new log, with the old one's blessing or not at all. */
    struct author_new make = {.time_ms = TIME_MS,
                              .role = LOG_OWN,
                              .recovery_path = node_path(&node, "successor.recovery"),
                              .succeeds = span_str(info.origin)};
    strcpy(make.profile.name, "standing.example.org");
    make.profile.class = CLASS_CIVIL;
    bad(author_create(node.store, &make, &next, &err), ERR_USAGE, "recovery key");
    uint8_t other[32];
    good(recovery_create(node_path(&node, "other.recovery"), SPAN_LIT("x"), other, &err));
    make.old_recovery_path = node_path(&node, "other.recovery");
    make.recovery_path = node_path(&node, "successor.recovery");
    bad(author_create(node.store, &make, &next, &err), ERR_VERIFY, "succession");
    make.old_recovery_path = node_path(&node, "standing.example.org.recovery");
    make.recovery_path = node_path(&node, "successor.recovery");
    good(author_create(node.store, &make, &next, &err));
    struct arena arena;
    struct member old_member, new_member;
    arena_init(&arena, 1u << 20);
    good(store_member(node.store, info.number, &arena, &old_member, &err));
    good(store_member(node.store, next.number, &arena, &new_member, &err));
    good(succeeds_verify(&new_member.profile, &old_member, &err));
    arena_done(&arena);
    append_many(node.store, next.number, "s", 5, 50, true);
    buf_done(&text);
    buf_done(&proof);
    node_stop(&node);
}

/* A node whose operator's log is frozen or suspended gets a new operator's log; no other node does. */
static void operator_goes_on(void **state)
{
    (void)state;
    struct node node;
    struct log_info old, hosted, next, found;
    node_start(&node);
    node_member(&node, "first.example.org", true, &old);
    node_member(&node, "hosted.example.org", false, &hosted);
    struct author_new make = {.time_ms = TIME_MS,
                              .role = LOG_OWN,
                              .is_operator = true,
                              .recovery_path = node_path(&node, "next.recovery"),
                              .succeeds = span_str(old.origin),
                              .old_recovery_path = node_path(&node, "first.example.org.recovery")};
    strcpy(make.profile.name, "first.example.org");
    make.profile.class = CLASS_CIVIL;
    bad(author_create(node.store, &make, &next, &err), ERR_EXISTS, "neither frozen nor suspended");
    good(store_begin(node.store, &err));
    good(mirror_fork(node.store, old.number, false, 0, SPAN_LIT("two heads"), &err));
    good(mirror_fork(node.store, hosted.number, false, 0, SPAN_LIT("two heads"), &err));
    good(store_commit(node.store, &err));
    make.succeeds = span_str(hosted.origin);
    bad(author_create(node.store, &make, &next, &err), ERR_EXISTS, "is the operator here already");
    make.succeeds = (struct span){0};
    bad(author_create(node.store, &make, &next, &err), ERR_EXISTS, "is the operator here already");
    make.succeeds = span_str(old.origin);
    make.old_recovery_path = node_path(&node, "hosted.example.org.recovery");
    bad(author_create(node.store, &make, &next, &err), ERR_VERIFY, "succession");
    assert_int_not_equal(access(make.recovery_path, F_OK), 0);
    good(store_operator(node.store, &found, &err));
    assert_int_equal(found.number, old.number);

    make.old_recovery_path = node_path(&node, "first.example.org.recovery");
    good(author_create(node.store, &make, &next, &err));
    assert_true(next.is_operator);
    good(store_operator(node.store, &found, &err));
    assert_int_equal(found.number, next.number);
    good(store_log(node.store, old.number, &found, &err));
    assert_false(found.is_operator);
    assert_int_equal(found.role, LOG_OWN);
    assert_int_equal(found.standing, STANDING_SUSPENDED);
    append_many(node.store, next.number, "s", 5, 50, true);
    log_verify(node.store, next.number);
    good(mirror_cosign(node.store, next.number, 1795000000, &err));
    make.recovery_path = node_path(&node, "again.recovery");
    bad(author_create(node.store, &make, &next, &err), ERR_EXISTS, "is the operator here already");
    node_stop(&node);
}

static void constitution(void **state)
{
    (void)state;
    struct node node;
    struct log_info info;
    node_start(&node);
    node_member(&node, "const.example.org", true, &info);
    append_many(node.store, info.number, "c", 300, 50, true);
    good(author_erase(node.store, info.number, 5, TIME_MS, &err));
    good(rotate(&node, info.number, NULL, NULL, &err));
    append_many(node.store, info.number, "c", 300, 50, true);
    good(author_new_profile(node.store, info.number, SPAN_LIT(""), TIME_MS, &err));
    uint64_t list[8];
    size_t count;
    good(store_constitution(node.store, info.number, 0, list, 8, &count, &err));
    assert_int_equal(count, 4);
    assert_int_equal(list[0], 0);
    assert_int_equal(list[1], 301);
    assert_int_equal(list[2], 302);
    assert_int_equal(list[3], 603);
    good(store_constitution(node.store, info.number, 302, list, 1, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(list[0], 302);
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating),       cmocka_unit_test(created_in_doubt),
        cmocka_unit_test(start_check),    cmocka_unit_test(rotating),
        cmocka_unit_test(rotating_ends),  cmocka_unit_test(thief),
        cmocka_unit_test(keys_lost),      cmocka_unit_test(moved),
        cmocka_unit_test(rotation_crash), cmocka_unit_test(moving_crash),
        cmocka_unit_test(standing),       cmocka_unit_test(operator_goes_on),
        cmocka_unit_test(constitution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
