# Prints proto_manual.c: the comments and field rules of the .proto files given, as the tables that libs/transcode/transcode.h declares.
# A comment belongs to the message, field or method right below it, or before it on the same line. Runs on mawk.

function fail(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
    has_failed = 1
    exit 1
}
function quoted(text) {
    gsub(/["\\]/, "\\\\&", text)
    return "\"" text "\""
}
function trimmed(text) {
    gsub(/[ \t\r]+/, " ", text)
    sub(/^ /, "", text)
    sub(/ $/, "", text)
    return text
}
function is_number(text) {
    return text ~ /^-?[0-9]+(\.[0-9]+)?$/
}
function forget_comment(   name) {
    comment = ""
    comment_lines = 0
    for (name in rule)
        delete rule[name]
}
function take_length(value,   dots) {
    dots = index(value, "..")
    if (!dots || value !~ /^[0-9]*\.\.[0-9]*$/ || value == "..")
        fail("@length wants A..B, not '" value "'")
    rule["length_min"] = substr(value, 1, dots - 1)
    rule["length_max"] = substr(value, dots + 2)
}
function take_rule(name, value) {
    if ((name == "required" || name == "readonly" || name == "kept" || name == "internal") && value == "")
        rule[name] = 1
    else if ((name == "min" || name == "max") && is_number(value))
        rule[name] = value
    else if (name == "length")
        take_length(value)
    else if (name == "format" && value != "code" && value != "uuid" && value != "geojson" && value != "json")
        fail("@format is code, uuid, geojson or json, not '" value "'")
    else if ((name == "in" || name == "format" || name == "example") && value != "")
        rule[name] = value
    else
        fail("annotation '@" name " " value "' makes no sense")
}
# The comment that was gathered belongs to something: only now do its annotations count.
function read_comment(   i) {
    for (i = 1; i <= comment_lines; i++)
        read_comment_line(comment_line[i])
    comment = trimmed(comment)
}
# Cuts the annotations of one line out and keeps the rest. @example runs to the next annotation, others take one word or none.
function read_comment_line(line,   name, value, rest, at) {
    line = " " trimmed(line)
    while (match(line, / @[a-z]+/)) {
        comment = comment " " substr(line, 1, RSTART - 1)
        name = substr(line, RSTART + 2, RLENGTH - 2)
        rest = substr(line, RSTART + RLENGTH)
        value = ""
        if (name == "example") {
            at = match(rest, / @[a-z]+/) ? RSTART : length(rest) + 1
            value = substr(rest, 1, at - 1)
        } else if (name != "required" && name != "readonly" && name != "kept" && name != "internal") {
            match(rest, /^ *[^ ]*/)
            at = RLENGTH + 1
            value = substr(rest, 1, at - 1)
        } else {
            at = 1
        }
        take_rule(name, trimmed(value))
        line = substr(rest, at)
    }
    comment = comment " " line
}
function scope_name(   i, name) {
    name = package_name
    for (i = 1; i <= depth; i++)
        if (kind[i] == "message" || kind[i] == "service")
            name = name "." scope[i]
    return name
}
function push(new_kind, name) {
    kind[++depth] = new_kind
    scope[depth] = name
    owner[depth] = new_kind == "message" ? ++message_count : new_kind == "oneof" ? owner[depth - 1] : 0
    if (new_kind == "message") {
        read_comment()
        message_name[message_count] = scope_name()
        message_comment[message_count] = comment
        field_count[message_count] = 0
    }
    forget_comment()
}
function add_method(line) {
    read_comment()
    sub(/^[ \t]*rpc[ \t]+/, "", line)
    match(line, /^[A-Za-z0-9_]+/)
    methods[++method_count] = sprintf("    { .service = %s, .name = %s, .comment = %s },", quoted(scope_name()),
        quoted(substr(line, 1, RLENGTH)), quoted(comment))
}
function add_field(line,   text, name) {
    read_comment()
    match(line, /[A-Za-z_][A-Za-z0-9_]*[ \t]*=[ \t]*[0-9]/)
    name = substr(line, RSTART)
    sub(/[ \t]*=.*/, "", name)
    text = sprintf("    { .name = %s, .comment = %s, .length_min = %s, .length_max = %s", quoted(name), quoted(comment),
        rule["length_min"] == "" ? -1 : rule["length_min"], rule["length_max"] == "" ? -1 : rule["length_max"])
    if (rule["required"] != "")
        text = text ", .required = true"
    if (rule["readonly"] != "")
        text = text ", .readonly = true"
    if (rule["kept"] != "")
        text = text ", .kept = true"
    if (rule["internal"] != "")
        text = text ", .internal = true"
    if (rule["min"] != "")
        text = text ", .has_min = true, .min = " rule["min"]
    if (rule["max"] != "")
        text = text ", .has_max = true, .max = " rule["max"]
    if (rule["in"] != "")
        text = text ", .in = " quoted(rule["in"])
    if (rule["format"] != "")
        text = text ", .format = " quoted(rule["format"])
    if (rule["example"] != "")
        text = text ", .example = " quoted(rule["example"])
    fields[owner[depth], ++field_count[owner[depth]]] = text " },"
}
function second_word(line,   words) {
    split(line, words, /[ \t{]+/)
    return words[2]
}

FNR == 1 {
    if (depth > 0)
        fail("the file before ends inside a block")
    forget_comment()
}
/^[ \t\r]*$/ { forget_comment(); next }
/^[ \t]*\/\// {
    sub(/^[ \t]*\/\/+/, "")
    comment_line[++comment_lines] = $0
    next
}
{
    line = $0
    at = index(line, "//")
    if (at && line !~ /"[^"]*\/\/[^"]*"/) {
        comment_line[++comment_lines] = substr(line, at + 2)
        line = substr(line, 1, at - 1)
    }
    sub(/^[ \t]+/, "", line)
}
line ~ /^package[ \t]/ {
    package_name = second_word(line)
    sub(/;.*/, "", package_name)
}
line ~ /^rpc[ \t]/ { add_method(line) }
line ~ /^(message|service|enum|oneof|extend)[ \t]/ {
    split(line, first, /[ \t]+/)
    push(first[1], second_word(line))
    opened = 1
}
depth > 0 && (kind[depth] == "message" || kind[depth] == "oneof") && !opened && line !~ /^(option|reserved|extensions)[ \t]/ &&
    line ~ /[A-Za-z_][A-Za-z0-9_]*[ \t]*=[ \t]*[0-9]+/ { add_field(line) }
{
    opens = gsub(/{/, "{", line)
    closes = gsub(/}/, "}", line)
    for (i = opened; i < opens; i++)
        push("block", "")
    for (i = 0; i < closes; i++)
        depth--
    if (!opened)
        forget_comment()
    opened = 0
}

END {
    if (has_failed)
        exit 1
    print "/* Generated by scripts/proto-manual.awk from the .proto files. */"
    print "#include \"transcode/transcode.h\"\n"
    for (i = 1; i <= message_count; i++) {
        printf "static const struct field_manual fields_%d[] = {\n", i
        for (k = 1; k <= field_count[i]; k++)
            print fields[i, k]
        print "    { 0 },\n};"
        order[i] = i
    }
    # Sorted by name, for a binary search.
    for (i = 2; i <= message_count; i++) {
        moved = order[i]
        for (k = i - 1; k >= 1 && message_name[order[k]] > message_name[moved]; k--)
            order[k + 1] = order[k]
        order[k + 1] = moved
    }
    print "\nconst struct message_manual proto_manual[] = {"
    for (i = 1; i <= message_count; i++)
        printf "    { .name = %s, .comment = %s, .fields = fields_%d },\n", quoted(message_name[order[i]]),
            quoted(message_comment[order[i]]), order[i]
    print "    { 0 },\n};"
    printf "const size_t proto_manual_count = %d;\n\n", message_count
    print "const struct method_manual proto_manual_methods[] = {"
    for (i = 1; i <= method_count; i++)
        print methods[i]
    print "    { 0 },\n};"
}
