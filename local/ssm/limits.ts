// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
export const MAX_NAMES = 10
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
export const MAX_PAGE = 10
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
export const MAX_STANDARD_VALUE_BYTES = 4096
