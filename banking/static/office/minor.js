// Exact amounts of money: whole numbers (BigInt) of a currency's smallest unit, written as accountants do.
"use strict";

window.officeMinor = (minor, digits) => {
  const plain = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, "0");
  const whole = plain.slice(0, plain.length - digits).replace(/\B(?=(\d{3})+$)/g, ",");
  const text = digits ? `${whole}.${plain.slice(-digits)}` : whole;
  return minor < 0n ? `(${text})` : text;
};
