#include "http/multipart.h"

#include "http/check.h"

#define TYPE "multipart/form-data; boundary=XyZ"

static int open_form(const char *type, const char *body, struct http_multipart *form)
{
    struct err err;
    return http_multipart_init(form, span_str(type), span_str(body), &err);
}

static void reads_parts(void **state)
{
    (void)state;
    static const char body[] = "--XyZ\r\n"
                               "Content-Disposition: form-data; name=\"file\"; filename=\"a;b.log\"\r\n"
                               "Content-Type: text/plain\r\n"
                               "\r\n"
                               "line 1\r\n--Xy\r\nline 2\r\n"
                               "\r\n--XyZ\r\n"
                               "content-disposition: form-data; name=plain\r\n"
                               "\r\n"
                               "\r\n--XyZ--\r\n";
    struct http_multipart form;
    struct http_form_part part;
    struct err err;
    assert_int_equal(open_form(TYPE, body, &form), 0);
    assert_int_equal(http_multipart_next(&form, &part, &err), 1);
    assert_span(part.name, "file");
    assert_span(part.filename, "a;b.log");
    assert_span(part.content, "line 1\r\n--Xy\r\nline 2\r\n");
    assert_int_equal(http_multipart_next(&form, &part, &err), 1);
    assert_span(part.name, "plain");
    assert_null(part.filename.data);
    assert_int_equal(part.content.len, 0);
    assert_int_equal(http_multipart_next(&form, &part, &err), 0);
}

static void boundaries(void **state)
{
    (void)state;
    struct http_multipart form;
    assert_int_equal(open_form("multipart/form-data; charset=x; boundary=\"a b\"", "--a b--", &form), 0);
    assert_int_equal(open_form("Multipart/Form-Data; BOUNDARY=q ", "--q--", &form), 0);
    assert_int_equal(open_form("text/plain; boundary=q", "--q--", &form), ERR_SYNTAX);
    assert_int_equal(open_form("multipart/form-data", "--q--", &form), ERR_SYNTAX);
    assert_int_equal(open_form("multipart/form-data; boundary=", "--", &form), ERR_SYNTAX);
    assert_int_equal(open_form("multipart/form-data; boundary=\"open", "--open", &form), ERR_SYNTAX);
    assert_int_equal(open_form("multipart/form-data; boundary=q", "x--q", &form), ERR_SYNTAX);
    char long_type[200] = "multipart/form-data; boundary=";
    memset(long_type + strlen(long_type), 'b', HTTP_BOUNDARY_MAX + 1);
    assert_int_equal(open_form(long_type, "", &form), ERR_SYNTAX);
}

/* A form that ends anywhere is refused, and read no further than its end. */
static void cut_anywhere(void **state)
{
    (void)state;
    static const char body[] = "--XyZ\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\ntext\r\n--XyZ--\r\n";
    size_t whole = sizeof(body) - 1 - 2; /* the last new line may be missing */
    for (size_t len = 0; len < whole; len++) {
        struct http_multipart form;
        struct http_form_part part;
        struct err err;
        int rc = http_multipart_init(&form, SPAN_LIT(TYPE), span_of(body, len), &err);
        while (rc == 0 && (rc = http_multipart_next(&form, &part, &err)) == 1)
            rc = 0;
        assert_int_equal(rc, ERR_SYNTAX);
    }
}

static void bounds_headers(void **state)
{
    (void)state;
    static char body[2 * HTTP_PART_HEADER_MAX] = "--XyZ\r\nX: ";
    size_t at = strlen(body);
    memset(body + at, 'x', sizeof(body) - at - 1);
    struct http_multipart form;
    struct http_form_part part;
    struct err err;
    assert_int_equal(open_form(TYPE, body, &form), 0);
    assert_int_equal(http_multipart_next(&form, &part, &err), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_parts),
        cmocka_unit_test(boundaries),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(bounds_headers),
    };
    RUN_TESTS(tests);
}
