// Package globalregistry is how a network knows who takes part: each client announces itself to its servers, each of which
// registers it for a time that the server assigns and dictates when to announce again; clients sample the others, and read
// the whole view in pages. Who falls silent is forgotten when its lease ends, who leaves at once.
//
// Roles: client and server. Exposed as feeds: the server's cohort and the networks that it counts in; the client's leases, one for each server, with where that
// server is and which context the network shares; and the members that the client knows.
//
// What must hold: nobody changes another's row (the identity is the authenticated sender); nobody is believed to be where it
// has not signed to be; a dead client does not outlive its TTL; the cohort exceeds neither its capacity nor the quota of a
// network prefix; a client that lives, within both, is in the view two heartbeats after the network has healed; no answer of
// a server silences a client beyond the ceiling, or makes it announce more often than each heartbeat on average.
//
// In a network with a secret the announce carries an HMAC over both peer ids and a nonce of the server. The secret never
// travels: an announce without the proof is answered with the nonce alone.
//
// What it cannot know: whether an announced address is the sender's. The quota of a prefix counts the first public address
// of the record; those who announce none share one bucket, the loopback among them (see Quota).
package globalregistry
