// Package globalregistry is how a network knows who takes part: each client announces itself to the server under a lease,
// keeps to the interval that the server dictates, and samples the others. A client that falls silent is forgotten when its
// lease ends.
//
// Roles: client and server. The server's cohort, and the client's lease and known table, are exposed as feeds. The lease
// also says where the server is and which context the network shares.
//
// What must hold: nobody registers another (the identity is the authenticated sender); a dead client does not outlive its
// TTL; the cohort never exceeds its capacity; a client that lives and is within capacity is in the cohort two heartbeats
// after the network has healed; no answer of a server silences a client, or makes it shout.
//
// In a network with a secret the announce carries an HMAC over both peer ids and a nonce of the server. The secret never
// travels: a first announce without proof is answered with the nonce alone.
package globalregistry
