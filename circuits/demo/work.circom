pragma circom 2.1.9;

// A unit of demo work. The prover knows a secret such that sixteen rounds of
// x -> (x + parameter + round)^5, started at secret + challenge, end at result.
//
// challenge  bound: the chain, hub, job and seed determine it, so that a proof answers one job
// parameter  fixed: the consumer chose it in the statement
// result     reported: the provider says it, and the consumer gets it
template Work(rounds) {
    signal input challenge;
    signal input parameter;
    signal input result;
    signal input secret;

    signal state[rounds + 1];
    signal base[rounds];
    signal square[rounds];
    signal fourth[rounds];

    state[0] <== secret + challenge;
    for (var round = 0; round < rounds; round++) {
        base[round] <== state[round] + parameter + round;
        square[round] <== base[round] * base[round];
        fourth[round] <== square[round] * square[round];
        state[round + 1] <== fourth[round] * base[round];
    }
    result === state[rounds];
}

component main {public [challenge, parameter, result]} = Work(16);
