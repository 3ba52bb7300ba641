import { fromEnv } from '@aws-sdk/credential-provider-env'

/**
 * Stands in for the SDK's chain of credential providers in our bundles: Lambda gives a function its role's credentials
 * in the environment, and nothing of SSO, profiles or instance metadata is ever asked.
 */
export const defaultProvider = fromEnv
