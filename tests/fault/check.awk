# The invariants I1 to I7 over one world. Four files of tab-separated lines:
#   journal   SEQ TYPE SERIAL TICKET SPKI USER DER     ("-" for a field that a type does not have)
#   redis     cert SERIAL STATE SPKI TICKET USER ISSUER | claim TICKET STATE SPKI SERIAL DER | revoked ID | hold USER
#   verdicts  verdict SERIAL accept|REASON
#   history   ask TICKET SPKI USER | got TICKET SPKI OUTCOME SERIAL DER | asked KIND ID | acked KIND ID
# It knows nothing of how the product keeps them.

function bad(which, text) { print which ": " text; wrong++ }

FNR == 1 { file++ }

# --- the journal, in its order -------------------------------------------------------------------

file == 1 && $2 == "intent" {
	if ($3 in intent) bad("I6", "serial " $3 " was drawn twice, records " intent[$3] " and " $1)
	intent[$3] = $1; ticket_of[$3] = $4; spki_of[$3] = $5; user_of[$3] = $6
}
file == 1 && $2 == "issued" {
	if (!($3 in intent)) bad("I2", "serial " $3 " was signed without an intent")
	if ($3 in issued && issued[$3] != $7) bad("I6", "serial " $3 " was signed twice")
	if ($3 in aborted) bad("I7", "serial " $3 " was signed after it was given up")
	issued[$3] = $7
}
file == 1 && $2 == "committed" {
	if (!($3 in issued)) bad("I7", "serial " $3 " is committed and was never signed")
	committed[$3] = $1
}
file == 1 && $2 == "aborted" {
	if ($3 in committed) bad("I7", "serial " $3 " is committed and aborted")
	aborted[$3] = $1
}
file == 1 { next }

# --- Redis ---------------------------------------------------------------------------------------

file == 2 && $1 == "cert" {
	state[$2] = $3; live_spki[$2] = $4; cert_ticket[$2] = $5; cert_user[$2] = $6
	if (!($2 in intent)) bad("I2", "Redis has serial " $2 ", the journal has no intent")
	else if (ticket_of[$2] != $5 || spki_of[$2] != $4 || user_of[$2] != $6) bad("I7", "serial " $2 " is for others in Redis than in the journal")
}
file == 2 && $1 == "claim" { claim_der[$2] = $6; claim_serial[$2] = $5 }
file == 2 && $1 == "revoked" { revoked[$2] = 1 }
file == 2 && $1 == "hold" { held[$2] = 1 }
file == 2 { next }

# --- what RADIUS would say -----------------------------------------------------------------------

file == 3 {
	seen_verdict[$2] = 1
	if ($3 == "accept" && (state[$2] != "active" || $2 in revoked || cert_ticket[$2] in revoked || cert_user[$2] in held))
		bad("I4", "serial " $2 " is accepted: " state[$2] ($2 in revoked ? ", revoked" : "") (cert_user[$2] in held ? ", person held" : ""))
	if ($3 != "accept" && state[$2] == "active" && !($2 in revoked) && !(cert_ticket[$2] in revoked) && !(cert_user[$2] in held))
		bad("I4", "serial " $2 " is good and would be refused: " $3)
	next
}

# --- what clients were told, in its order --------------------------------------------------------

$1 == "ask" {
	asks++
	person[$2] = $4
	if (!($2 in owner)) owner[$2] = $3
	else if (owner[$2] != $3) contested[$2] = 1
	late[$2 $3] = ("user" $4) in acked
	next
}
$1 == "asked" { meddled[$3] = 1; next }
$1 == "acked" {
	acked[$2 $3] = 1
	if ($2 == "user" && !($3 in held)) bad("I5", "the acknowledged hold of " $3 " is forgotten")
	if ($2 != "user" && !($3 in revoked)) bad("I5", "the acknowledged revocation of " $2 " " $3 " is forgotten")
	next
}
$1 == "got" && $4 == "forged" { bad("I1", "ticket " $2 ": a certificate that does not verify, or for another key"); next }
$1 == "got" && ($4 == "ok" || $4 == "again") {
	got++
	if (!($5 in issued)) bad("I2", "serial " $5 " was delivered and the journal has no certificate")
	else if (issued[$5] != $6) bad("I1", "serial " $5 " was delivered with other bytes than the journal has")
	if (state[$5] != "active") bad("I1", "serial " $5 " was delivered and is " ($5 in state ? state[$5] : "unknown") " in Redis")
	if ($5 in aborted) bad("I7", "serial " $5 " was delivered and the journal says aborted")
	if ($5 in state && !($5 in seen_verdict)) bad("I4", "serial " $5 ": RADIUS was not asked")
	if (spki_of[$5] != $3) bad("I3", "serial " $5 " was delivered to another key")
	if ($2 in delivered && delivered[$2] != $3 " " $5 " " $6) bad("I3", "ticket " $2 " was answered with two certificates")
	delivered[$2] = $3 " " $5 " " $6
	if (late[$2 $3]) bad("I5", "serial " $5 " was delivered to a person after the acknowledged revocation")
	next
}

END {
	for (s in state) {
		if (state[s] != "active" && state[s] != "reserved" && state[s] != "aborted") bad("I7", "serial " s " is " state[s])
		if (state[s] == "reserved") bad("I7", "serial " s " is still reserved after settling")
		if (state[s] == "active") {
			if (!(s in issued)) bad("I7", "serial " s " is active and the journal has no certificate")
			if (!(s in committed) && !(s in revoked)) bad("I7", "serial " s " is active and the journal does not say committed")
			if (claim_serial[cert_ticket[s]] == s && claim_der[cert_ticket[s]] != issued[s]) bad("I7", "serial " s " has other bytes in Redis than in the journal")
		}
		if (state[s] == "active" && !(s in revoked)) {
			if (cert_ticket[s] in live && live[cert_ticket[s]] != s) bad("I3", "ticket " cert_ticket[s] " has two live certificates, " s " and " live[cert_ticket[s]])
			live[cert_ticket[s]] = s
			if (("user" cert_user[s]) in acked) bad("I5", "serial " s " is live and its person's revocation was acknowledged")
		}
	}
	for (s in intent) if (!(s in committed) && !(s in aborted)) bad("I7", "serial " s " has no end in the journal")
	for (s in committed) if (state[s] != "active") bad("I7", "serial " s " is committed and " (s in state ? state[s] : "unknown") " in Redis")
	for (s in aborted) if (state[s] == "active" && !(s in revoked)) bad("I7", "serial " s " is aborted and live in Redis")
	# An honest device, with nobody else at its ticket, gets through.
	for (t in owner) if (!(t in contested) && !(person[t] in meddled) && !(t in delivered)) bad("I1", "ticket " t " was never answered, however often it asked")
	if (!asks || !got) bad("history", "is empty: nothing was checked")
	exit wrong > 0
}
