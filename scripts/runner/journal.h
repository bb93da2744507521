/* Where the lines of all processes go: <folder>/log/<name>.jsonl each, <folder>/log/stack.log together for people, and
 * the terminal. */
#pragma once
#include "base/err.h"

struct journal;

/* shows_lines: on standard output too, in colour if that is a terminal and NO_COLOR is not set. count: of processes. */
MUST_CHECK bool journal_open(
    struct journal **out_journal, const char *folder, bool shows_lines, size_t count, struct err *err);
void journal_close(struct journal *journal);
AUTO_DEFINE(journal, journal_close)
/* Before the first line of a process: its place and name. */
MUST_CHECK bool journal_add(struct journal *journal, size_t place, const char *name, struct err *err);
/* One line that a process wrote, without its end. */
void journal_put(struct journal *journal, size_t place, const char *line, size_t length);
/* What the runner itself has to say: always shown. */
void journal_say(struct journal *journal, const char *format, ...) PRINTF_LIKE(2, 3);
/* From now on nothing goes to standard output. */
void journal_hush(struct journal *journal);
/* The newest lines of <folder>/log/<name>, or of all together if name is NULL; follows until interrupted if asked to.
 */
MUST_CHECK bool journal_show(const char *folder, const char *name, bool follows, struct err *err);
