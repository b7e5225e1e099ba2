# The text format of Prometheus, as strict as `promtool check metrics` on what we write: each family has HELP and
# TYPE before its lines, once; counters end in _total; no line twice; values are numbers.
function bad(why) { print FILENAME ":" FNR ": " why ": " $0; failed = 1 }
/^# HELP / {
	if ($3 in help) bad("HELP twice")
	if (NF < 4 || $0 !~ /\.$/) bad("HELP says nothing")
	help[$3] = 1
	next
}
/^# TYPE / {
	if ($3 in type) bad("TYPE twice")
	if (!($3 in help)) bad("TYPE before HELP")
	if ($4 !~ /^(counter|gauge|histogram)$/ || NF != 4) bad("no type")
	if (($4 == "counter") != ($3 ~ /_total$/)) bad("counters, and only they, end in _total")
	type[$3] = $4
	family = $3
	next
}
/^$/ || /^#/ { bad("neither a comment of the format nor a line"); next }
{
	if ($0 !~ /^[a-zA-Z_:][a-zA-Z0-9_:]*({[a-z_]+="([^"\\]|\\["\\n])*"(,[a-z_]+="([^"\\]|\\["\\n])*")*})? -?[0-9]+(\.[0-9]+)?$/)
		bad("not a line of the format")
	series = $0
	sub(/ [^ ]*$/, "", series)
	if (series in seen) bad("twice")
	seen[series] = 1
	name = series
	sub(/{.*/, "", name)
	if (type[family] == "histogram") sub(/_(bucket|sum|count)$/, "", name)
	if (name != family) bad("not below its TYPE")
	if (type[family] == "counter" && $NF < 0) bad("a counter below 0")
	lines++
}
END {
	if (!lines) { print "nothing"; failed = 1 }
	exit failed
}
