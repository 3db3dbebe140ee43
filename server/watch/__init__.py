"""The watch engine: feeds that ask providers what changed, and sessions that tell callers.

Nothing here knows gRPC, a provider by name, or how credentials are kept: see `ports`. Read `feed`,
then `session`; `hub` puts them together.

What a watch promises, each held by tests/watch (test_truth with everything at once):

- ordered: of one object, no older state is told after a newer one;
- reliable: whoever applies what it is told, from any token on, ends with the provider's state;
- typed: CREATED, UPDATED and DELETED are exact as long as the token holds the map of what was told;
- resumable: every token goes on, on any process with the keys; repeated is only what came after it;
- bounded: memory for one caller, questions to the provider, the size and the time of a message;
- never silent: changes, or a heartbeat, or a word about trouble, and Closing before a planned end.
"""
