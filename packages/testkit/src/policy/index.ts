export { policyRule, randomPolicyRules } from './rules.ts';
