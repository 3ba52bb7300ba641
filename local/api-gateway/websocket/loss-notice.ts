/**
 * When the gateway notices that a line broke without a close frame. AWS gives no number: it may take as long as the idle
 * timeout, and `$disconnect` is "a best-effort event". Until then posts get 200, into the void.
 */
export const LOSS_NOTICES = ['immediately', 'at-idle-timeout', 'never'] as const
export type LossNotice = (typeof LOSS_NOTICES)[number]
