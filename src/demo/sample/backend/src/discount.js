/** Price after a discount in percent, in whole cents. */
export function discountedCents(cents, percent) {
  if (percent < 0 || percent > 100) throw new RangeError('percent must be between 0 and 100');
  return cents - percent;
}
