# Makes the users of nats-server's configuration from deploy/local/nats-users.table; -v secrets=FOLDER holds the passwords.
function add(list, subject) { return list (list == "" ? "" : ", ") "\"" subject "\"" }
function each(list, text, before, after,    parts, count, i) {
    if (text == "-") return list
    count = split(text, parts, ",")
    for (i = 1; i <= count; i++) list = add(list, before parts[i] after)
    return list
}
BEGIN { print "# Made by scripts/run from deploy/local/nats-users.table.\nauthorization {\n    users = [" }
/^ *(#|$)/ { next }
{
    publish = add("", "_INBOX.>"); subscribe = publish
    publish = add(publish, "$JS.API.INFO"); publish = add(publish, "$JS.API.STREAM.NAMES")
    publish = add(publish, "$JS.API.STREAM.CREATE.*"); publish = add(publish, "$JS.API.STREAM.UPDATE.*")
    publish = add(publish, "$JS.API.STREAM.INFO.*"); publish = add(publish, "$JS.API.STREAM.LIST")
    publish = add(publish, "$JS.API.CONSUMER.LIST.*"); subscribe = add(subscribe, "system.ping")
    subscribe = each(subscribe, $2, "rpc.", ".*")
    publish = each(publish, $3, "rpc.", ".*")
    publish = each(publish, $4, "", "")
    subscribe = each(subscribe, $5, "", "")
    publish = each(publish, $6, "$JS.API.CONSUMER.*.", ""); publish = each(publish, $6, "$JS.API.CONSUMER.*.", ".>")
    publish = each(publish, $6, "$JS.API.CONSUMER.*.*.", ""); publish = each(publish, $6, "$JS.API.CONSUMER.*.*.", ".>")
    publish = each(publish, $6, "$JS.ACK.", ".>")
    publish = each(publish, $7, "$JS.API.STREAM.MSG.DELETE.", ""); publish = each(publish, $7, "$JS.API.STREAM.MSG.GET.", "")
    file = secrets "/nats-" $1
    if ((getline password < file) <= 0) { print "no password in " file > "/dev/stderr"; exit 1 }
    close(file)
    printf "        { user: \"%s\", password: \"%s\", permissions: {\n            publish: { allow: [%s] }\n            subscribe: { allow: [%s] }\n        } }\n", $1, password, publish, subscribe
}
END { print "    ]\n}" }
