// Standard JSON in on stdin, standard JSON out on stdout, through the compiler's own entry point.
// Every source must be in the input: no import callback is offered. Usage: node compile.cjs path/to/soljson.js
'use strict';
const path = require('path');
const solc = require(path.resolve(process.argv[2]));
const compile = solc.cwrap('solidity_compile', 'string', ['string', 'number', 'number']);
const input = require('fs').readFileSync(0, 'utf8');
require('fs').writeFileSync(1, compile(input, 0, 0));
