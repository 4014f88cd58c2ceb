#include "cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <termios.h>
#include <unistd.h>

#include "state/password.h"
#include "state/secret.h"

/* One line; what is longer is refused, not cut. */
static int read_line(int fd, char out[PASSWORD_MAX + 1], struct err *err)
{
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, "password");
        if (got == 0 || c == '\n')
            break;
        if (len == PASSWORD_MAX)
            return err_set(err, ERR_LIMIT, "password: more than %d bytes", PASSWORD_MAX);
        out[len++] = c;
    }
    out[len] = '\0';
    if (len > 0 && out[len - 1] == '\r')
        out[len - 1] = '\0';
    return 0;
}

static int ask_hidden(int fd, const char *prompt, char out[PASSWORD_MAX + 1], struct err *err)
{
    struct termios shown, hidden;
    if (tcgetattr(fd, &shown) < 0)
        return err_sys(err, "/dev/tty");
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    dprintf(fd, "%s: ", prompt);
    if (tcsetattr(fd, TCSAFLUSH, &hidden) < 0)
        return err_sys(err, "/dev/tty");
    int rc = read_line(fd, out, err);
    (void)tcsetattr(fd, TCSAFLUSH, &shown);
    dprintf(fd, "\n");
    return rc;
}

/* Twice if it is a new one. */
static int ask_terminal(const char *prompt, bool is_new, char out[PASSWORD_MAX + 1], struct err *err)
{
    char again[PASSWORD_MAX + 1] = "";
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_USAGE, "no terminal to ask at: %s", prompt);
    int rc = ask_hidden(fd, prompt, out, err);
    if (!rc && is_new)
        rc = ask_hidden(fd, "Once more", again, err);
    if (!rc && is_new && strcmp(out, again) != 0)
        rc = err_set(err, ERR_USAGE, "the two are not the same");
    sodium_memzero(again, sizeof(again));
    close(fd);
    return rc;
}

int password_of_keys(char out[PASSWORD_MAX + 1], struct err *err)
{
    return ask_terminal("Passphrase of the keys", false, out, err);
}

int password_new_of_keys(const char *name, char out[PASSWORD_MAX + 1], struct err *err)
{
    char line[SECRET_LINE_MAX + 1];
    int rc = secret_line(NULL, name, line, err);
    if (rc == ERR_NOTFOUND)
        return ask_terminal("New passphrase for the keys", true, out, err);
    if (!rc)
        snprintf(out, PASSWORD_MAX + 1, "%s", line);
    sodium_memzero(line, sizeof(line));
    return rc;
}

static int ask_for_user(const char *name, char out[PASSWORD_MAX + 1], struct err *err)
{
    char prompt[USER_NAME_MAX + 64];
    snprintf(prompt, sizeof(prompt), "Password for %.*s", USER_NAME_MAX, name);
    int rc = ask_terminal(prompt, true, out, err);
    return rc == ERR_USAGE && access("/dev/tty", R_OK) != 0
               ? err_set(err, ERR_USAGE, "no terminal to ask for the password: give --password-stdin or --generate")
               : rc;
}

int password_ask(struct invocation *inv, const char *name, char out[PASSWORD_MAX + 1])
{
    bool from_stdin = cli_flag(inv, "password-stdin"), drawn = cli_flag(inv, "generate");
    if (from_stdin && drawn)
        return cli_usage(inv, "--password-stdin and --generate exclude each other");
    if (drawn) {
        password_generate(out);
        return 0;
    }
    int rc = from_stdin ? read_line(STDIN_FILENO, out, &inv->err) : ask_for_user(name, out, &inv->err);
    return rc ? cli_fail(inv) : 0;
}

void password_show(const struct invocation *inv, const char *password)
{
    if (cli_flag(inv, "generate"))
        printf("Password, shown this once: %s\n", password);
}
