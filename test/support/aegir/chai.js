// Stands in for the build tool of the libp2p organisation, of which the
// compliance suites use nothing but this one chai instance.
import * as chai from 'chai'
import chaiAsPromised from 'chai-as-promised'
import chaiParentheses from 'chai-parentheses'

chai.use(chaiAsPromised)
chai.use(chaiParentheses)

export const { expect, assert, should } = chai
